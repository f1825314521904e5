"""Random streams and shuffling: why nothing random is ever matched by its seed.

Every recipe is the same: draw in NumPy, hand the numbers in.
"""

import numpy as np

from implementations.atlas._tensors import value
from implementations.atlas.row import Answer, row

DRAWN = np.random.Generator(np.random.Philox(0)).normal(size=8)
ORDER = np.random.Generator(np.random.Philox(0)).permutation(8)
RECIPE = "draw with NumPy's Philox, hand the array in"


def handed_in(framework: str) -> np.ndarray:
    return value(framework, lambda x: x * 1, DRAWN)


def uniforms(framework: str, dtype: str) -> list[float]:
    """The first two uniforms of seed 0."""
    if framework == "pytorch":
        import torch

        torch.manual_seed(0)
        return torch.rand(2, dtype=getattr(torch, dtype)).tolist()
    if framework == "tensorflow":
        import keras

        return np.asarray(keras.random.uniform((2,), dtype=dtype, seed=0)).tolist()
    import jax

    return np.asarray(jax.random.uniform(jax.random.key(0), (2,), dtype)).tolist()


def normals(framework: str, count: int) -> np.ndarray:
    if framework == "pytorch":
        import torch

        torch.manual_seed(0)
        return torch.randn(count).numpy()
    if framework == "tensorflow":
        import keras

        return np.asarray(keras.random.normal((count,), seed=0))
    import jax

    return np.asarray(jax.random.normal(jax.random.key(0), (count,), "float32"))


@row(
    "D6",
    "the first two uniforms of seed 0",
    pinned={
        "pytorch": [0.4963, 0.7682],
        "tensorflow": [0.2110, 0.7060],
        "jax": [0.9477, 0.9786],
    },
    decimals=4,
    reference=lambda: DRAWN,
)
def streams(framework: str) -> Answer:
    """The same seed is another initialization, another order, another mask in each library."""
    return Answer(uniforms(framework, "float32"), RECIPE, handed_in(framework))


@row(
    "D16",
    "whether float64 draws are the float32 draws with more digits",
    pinned={"pytorch": False, "tensorflow": False, "jax": False},
    reference=lambda: DRAWN,
)
def streams_by_dtype(framework: str) -> Answer:
    """A float64 twin of a float32 run, made to look for rounding, starts from other weights."""
    single, double = uniforms(framework, "float32"), uniforms(framework, "float64")
    equal = bool(np.allclose(single, double, atol=1e-6))
    return Answer(equal, f"{RECIPE}, rounded to the dtype afterwards", handed_in(framework))


@row(
    "D17",
    "whether 16 normals begin with the 8 that a shorter draw gives",
    pinned={"pytorch": False, "tensorflow": True, "jax": True},
    reference=lambda: DRAWN,
)
def prefix(framework: str) -> Answer:
    """One unit more in a layer changes all its weights: PyTorch draws 16 and more another way."""
    equal = np.array_equal(normals(framework, 16)[:8], normals(framework, 8))
    return Answer(equal, RECIPE, handed_in(framework))


@row(
    "D18",
    "whether the second draw under one seed argument differs from the first",
    pinned={"pytorch": True, "tensorflow": False, "jax": False},
    reference=lambda: DRAWN,
)
def state(framework: str) -> Answer:
    """A seed given to a stateless function makes a constant: the same mask at every step."""
    if framework == "pytorch":
        import torch

        generator = torch.Generator().manual_seed(0)
        first, second = torch.rand(4, generator=generator), torch.rand(4, generator=generator)
    elif framework == "tensorflow":
        import keras

        first, second = keras.random.uniform((4,), seed=0), keras.random.uniform((4,), seed=0)
    else:
        import jax

        key = jax.random.key(0)
        first, second = jax.random.uniform(key, (4,)), jax.random.uniform(key, (4,))
    differs = not np.array_equal(np.asarray(first), np.asarray(second))
    recipe = "a stream named (seed, purpose, step); keras.random.SeedGenerator, jax.random.fold_in"
    return Answer(differs, recipe, handed_in(framework))


@row(
    "D7",
    "the default generator",
    pinned={"pytorch": "mt19937", "tensorflow": "philox", "jax": "threefry2x32, partitionable"},
)
def generator(framework: str) -> Answer:
    """A stored seed means nothing after the default changes, as JAX's did with partitionable."""
    recipe = "store what was drawn, not the seed"
    if framework == "pytorch":
        import torch

        # The state of a Mersenne twister is 624 words of 64 bits with a few counters.
        words = torch.Generator().get_state().numel() // 8
        return Answer("mt19937" if words in range(624, 640) else f"{words} words", recipe)
    if framework == "tensorflow":
        import tensorflow as tf

        algorithm = tf.random.Generator.from_seed(0).algorithm
        return Answer(
            "philox" if algorithm == tf.random.Algorithm.PHILOX.value else "other", recipe
        )
    import jax

    split = "" if getattr(jax.config, "jax_threefry_partitionable", False) else "not "
    return Answer(f"{jax.random.key_impl(jax.random.key(0))}, {split}partitionable", recipe)


@row(
    "D8",
    "by how many places a shuffle of 1000, in tf.data with a window of 10, pulls one forward",
    pinned={"pytorch": 955, "tensorflow": 9, "jax": 943},
    decimals=0,
    reference=lambda: np.sin(ORDER.astype(float)),
)
def shuffling(framework: str) -> Answer:
    """A window of 10 leaves data sorted by class almost sorted: batches of one class."""
    examples = np.sin(np.arange(8.0))
    if framework == "pytorch":
        import torch

        dice = torch.Generator().manual_seed(0)
        seen = np.array(list(torch.utils.data.RandomSampler(range(1000), generator=dice)))
        recipe = "DataLoader(data, sampler=order)"
        data = torch.utils.data.TensorDataset(torch.tensor(examples))
        loader = torch.utils.data.DataLoader(data, sampler=ORDER.tolist())
        aligned = np.array([float(x) for (x,) in loader])
    elif framework == "tensorflow":
        import tensorflow as tf

        window = tf.data.Dataset.range(1000).shuffle(10, seed=0)
        seen = np.array(list(window.as_numpy_iterator()))
        recipe = "tf.data.Dataset.from_tensor_slices(order).map(lambda i: x[i]); no shuffle"
        order, x = tf.data.Dataset.from_tensor_slices(ORDER), tf.constant(examples)
        aligned = np.array(list(order.map(lambda i: tf.gather(x, i)).as_numpy_iterator()))
    else:
        import jax

        seen = np.asarray(jax.random.permutation(jax.random.key(0), 1000))
        recipe, aligned = "x[order]", value(framework, lambda x: x[ORDER], examples)
    furthest = int((seen - np.arange(1000)).max())
    return Answer(furthest, f"one permutation an epoch from NumPy: {recipe}", aligned)


@row(
    "D19",
    "whether the second epoch has another order than the first",
    pinned={"pytorch": True, "tensorflow": True, "jax": None},
    reference=lambda: DRAWN,
)
def reshuffling(framework: str) -> Answer:
    """Both reshuffle from a state that runs on: a run that is resumed sees another order."""
    if framework == "pytorch":
        import torch

        dice = torch.Generator().manual_seed(0)
        data = torch.utils.data.RandomSampler(range(100), generator=dice)
        epochs = [list(data), list(data)]
    elif framework == "tensorflow":
        import tensorflow as tf

        data = tf.data.Dataset.range(100).shuffle(100, seed=0)
        epochs = [list(data.as_numpy_iterator()), list(data.as_numpy_iterator())]
    else:
        epochs = None  # JAX has no loader
    another = epochs if epochs is None else epochs[0] != epochs[1]
    return Answer(another, "order of (seed, epoch), whatever ran before", handed_in(framework))
