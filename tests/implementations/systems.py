"""Systems, batches and distances for the suites."""

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np

from bench import weights
from bench.contract import Arrays, Config, State, System, Update
from bench.conventions import BATCH_NORM
from bench.randomness import stream
from bench.spec import Spec
from bench.specs import resnet

EXACT = 1e-12  # the same computation in another order of summation, float64
ROUNDED = 1e-4  # float32: two orders above rounding, four below a wrong formula


def initial(spec: Spec) -> State:
    """No parameter is zero, and the running statistics are not 0 and 1."""
    draws = stream(0, "initial")
    parameters = weights.initial(spec, 0).parameters
    return State(
        {name: a + 0.1 * draws.normal(size=a.shape) for name, a in parameters.items()},
        {name: draws.uniform(0.5, 2, b.shape) for name, b in spec.buffers.items()},
    )


def built(
    adapter: ModuleType,
    spec: Spec,
    updates: Mapping[str, Update] | None = None,
    dtype: Any = "float64",
    variant: Any = "reference",
) -> System:
    system: System = adapter.build(spec, updates or {}, Config(dtype=dtype, variant=variant))
    system.load(initial(spec))
    return system


def drawn(spec: Spec, examples: int = 4, seed: int = 0) -> dict[str, np.ndarray]:
    """Labels, masks, images: a batch of a spec by the names of its entries."""
    draws = stream(seed, "techniques")
    batch: dict[str, np.ndarray] = {}
    for name, shape in spec.inputs.items():
        if name == "y":
            batch[name] = draws.integers(0, 3, (examples, *shape))
        elif name.startswith("dropout/"):
            batch[name] = draws.integers(0, 2, (examples, *shape)).astype(float)
        else:
            batch[name] = draws.normal(1, 2, size=(examples, *shape))
    return batch


def residual(norm: Mapping[str, Any] = BATCH_NORM) -> Spec:
    """All that a residual net may hold, in four blocks behind a pooled stem: x itself and pixels of
    it around basic blocks, a projection around a bottleneck, and nothing."""
    one = resnet.Convolution
    blocks = (
        resnet.Block("stage1_block1", (one(2, 3), one(2, 3)), "identity"),
        resnet.Block("stage2_block1", (one(3, 3, 2), one(3, 3)), "identity"),
        resnet.Block("stage3_block1", (one(2, 1, 2), one(2, 3), one(5, 1)), "projection"),
        resnet.Block("stage3_block2", (one(5, 3),), "none"),
    )
    return resnet.net((32, 64, 2), 3, one(2, 7, 2), True, blocks, norm)


def close(found: Any, expected: Any, limit: float = EXACT) -> None:
    """Relative to the largest entry."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= limit * max(np.abs(expected).max(), 1e-300)


def distance(a: Arrays, b: Arrays) -> float:
    """Largest difference relative to the largest entry of its tensor."""
    assert a.keys() == b.keys()
    scale = {name: max(np.abs(b[name]).max(), 1e-300) for name in b}
    return max((float(np.abs(a[n] - b[n]).max() / scale[n]) for n in b), default=0.0)
