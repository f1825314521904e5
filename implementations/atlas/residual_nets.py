"""Residual nets as libraries publish them: what their convolutions have, and where they skip.

Images are held as (N, H, W, C) here, kernels as (height, width, in, out).
"""

from typing import Any

import numpy as np

from implementations.atlas.batch_norm import EPSILON, normalized, trained
from implementations.atlas.convolution import KERNEL, X, convolved, correlated
from implementations.atlas.row import Answer, row

DRAWS = np.random.default_rng(12)
# A bottleneck: 4 channels in, 2 inside, 4 out.
IMAGES = DRAWS.normal(size=(2, 6, 6, 4))
REDUCE, MIDDLE, EXPAND = (
    DRAWS.normal(size=shape) for shape in ((1, 1, 4, 2), (3, 3, 2, 2), (1, 1, 2, 4))
)


def without_bias(framework: str) -> np.ndarray:
    """The library's layer without a bias, on X with KERNEL."""
    if framework == "pytorch":
        import torch

        layer = torch.nn.Conv2d(3, 4, 3, bias=False, dtype=torch.float64)
        layer.load_state_dict({"weight": torch.from_numpy(KERNEL).permute(3, 2, 0, 1)})
        return layer(torch.from_numpy(X).movedim(3, 1)).movedim(1, 3).detach().numpy()
    if framework == "tensorflow":
        import keras

        layer: Any = keras.layers.Conv2D(4, 3, use_bias=False, dtype="float64")
        layer.build(X.shape)
        layer.set_weights([KERNEL])
        return np.asarray(layer(X))
    from flax import linen

    module = linen.Conv(4, (3, 3), padding="VALID", use_bias=False)
    return np.asarray(module.apply({"params": {"kernel": KERNEL}}, X))


@row(
    "C11",
    "Convolution in front of batch normalization: a bias when nobody says anything",
    {"pytorch": True, "tensorflow": True, "jax": True},
    reference=lambda: normalized(correlated(X, KERNEL), (0, 1, 2)),
)
def bias_before_normalization(framework: str) -> Answer:
    """All add one; normalization takes it away again, and published nets differ in having it."""
    word = "eps" if framework == "pytorch" else "epsilon"
    y = without_bias(framework)
    flat = trained(framework, y.reshape(-1, y.shape[-1]), **{word: EPSILON})[0]
    aligned, recipe = flat.reshape(y.shape), "use_bias=False"
    if framework == "pytorch":
        import torch

        return Answer(torch.nn.Conv2d(3, 4, 3).bias is not None, "bias=False", aligned)
    if framework == "tensorflow":
        import keras

        layer = keras.layers.Conv2D(4, 3)
        layer.build((None, 6, 6, 3))
        return Answer(layer.bias is not None, recipe, aligned)
    import jax
    from flax import linen

    variables = jax.eval_shape(lambda: linen.Conv(4, (3, 3)).init(jax.random.key(0), X))
    return Answer("bias" in variables["params"], recipe, aligned)


def bottleneck() -> np.ndarray:
    """1x1, 3x3 with stride 2, 1x1: without normalization and activations."""
    inside = correlated(correlated(IMAGES, REDUCE), MIDDLE, 2, (1, 1))
    return correlated(inside, EXPAND)


@row(
    "C12",
    "Bottleneck of the library's ResNet-50: the convolution that has the stride",
    {"pytorch": None, "tensorflow": "the first 1x1", "jax": None},
    reference=bottleneck,
)
def bottleneck_stride(framework: str) -> Answer:
    """On the first 1x1, as first published, three of four pixels are read by nobody; other weights
    under the same name have it on the 3x3."""
    inside = convolved(framework, convolved(framework, IMAGES, REDUCE), MIDDLE, 2, (1, 1))
    aligned = convolved(framework, inside, EXPAND)
    recipe = "stride 2 in the 3x3 with pads (1, 1), stride 1 in both 1x1"
    if framework != "tensorflow":
        return Answer(None, recipe, aligned)
    import keras

    small: Any = {"include_top": False, "weights": None, "input_shape": (32, 32, 3)}
    net = keras.applications.ResNet50(**small)
    for name, layer in (("the first 1x1", "1_conv"), ("the 3x3", "2_conv")):
        found: Any = net.get_layer(f"conv3_block1_{layer}")
        if found.output.shape[1] < found.input.shape[1]:
            return Answer(name, recipe, aligned)
    return Answer("neither", recipe, aligned)
