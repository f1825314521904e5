"""Parts of a batch, averaged, step as the batch does."""

import numpy as np
import pytest

from bench import weights
from bench.accumulation import averaged
from bench.contract import Config, Update, adam, sgd
from bench.conventions import BATCH_NORM
from bench.errors import ContractError
from bench.randomness import stream
from bench.spec import Spec
from bench.specs import mlp
from implementations.numpy import adapter

SIZE = 12


def system(spec: Spec):
    updates = {
        "adam": Update("cross_entropy", ("",), adam(0.9, 0.999, 1e-8)),
        "sgd": Update("cross_entropy", ("",), sgd()),
        "first": Update("cross_entropy", ("fc1/",), sgd()),
    }
    built = adapter.build(spec, updates, Config(dtype="float64"))
    built.load(weights.initial(spec, 0))
    return built


def batch() -> dict[str, np.ndarray]:
    draws = stream(0, "accumulation")
    return {"x": draws.normal(size=(SIZE, 6)), "y": draws.integers(0, 3, SIZE)}


def parts(whole: dict[str, np.ndarray], count: int) -> list[dict[str, np.ndarray]]:
    size = SIZE // count
    return [{n: a[k * size : (k + 1) * size] for n, a in whole.items()} for k in range(count)]


@pytest.mark.parametrize("count", [1, 3, 12])
@pytest.mark.parametrize("update", ["sgd", "adam"])
def test_parts_step_as_the_whole(count: int, update: str) -> None:
    spec = mlp.spec(inputs=(6,), widths=(5,), classes=3)
    one, many = system(spec), system(spec)
    for _ in range(3):
        one.update(update, one.stage(batch()), 0.1)
        asked = [many.differentiate(update, many.stage(p)) for p in parts(batch(), count)]
        gathered = averaged(asked)
        many.apply(update, gathered, 0.1)
        assert sum(gathered.terms.values()) == pytest.approx(sum(one.read().values()), rel=1e-13)
    for name, array in one.export().parameters.items():
        np.testing.assert_allclose(many.export().parameters[name], array, rtol=1e-9, atol=1e-12)


def test_batch_norm_makes_parts_another_net() -> None:
    spec = mlp.spec(inputs=(6,), widths=(5,), classes=3, norm=BATCH_NORM)
    built = system(spec)
    whole = built.differentiate("sgd", built.stage(batch()))
    asked = [built.differentiate("sgd", built.stage(part)) for part in parts(batch(), 3)]
    gathered = averaged(asked)
    name = "fc1/weight"
    assert np.abs(gathered.gradients[name] - whole.gradients[name]).max() > 1e-3
    for buffer, array in gathered.evaluation.buffers.items():
        np.testing.assert_array_equal(array, asked[-1].evaluation.buffers[buffer])


def test_parts_must_belong_together() -> None:
    built = system(mlp.spec(inputs=(6,), widths=(5,), classes=3))
    staged = built.stage(batch())
    with pytest.raises(ContractError, match="no gradients"):
        averaged([])
    with pytest.raises(ContractError, match="fc2"):
        averaged([built.differentiate("sgd", staged), built.differentiate("first", staged)])
