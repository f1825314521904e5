"""Each library's own loop against the reference: implementations/library/<framework>.py.

pytest tests/implementations/suite_library.py --framework pytorch. Collected by test_library.py, one
process a framework.

The epsilon of Adam is next to nothing here: Keras adds its own to another root (Algorithm 1 has the
corrected second moment), which is the same without it. Keras rounds the constants of Adam to
float32, which these do not change.
"""

import importlib
import os
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from bench import weights
from bench.contract import Arrays, Config, State, System, Update
from bench.conventions import BATCH_NORM
from bench.errors import ContractError, UserError
from bench.optimizers import adam, sgd
from bench.spec import Spec
from bench.specs import convnet, fusion_segnet, lenet, mlp, segnet, vgg
from bench.specs.convnet import Block
from tests.implementations.systems import distance, drawn, residual

# XLA is to compile quickly: most of the time would go into making a net of a few steps fast.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")

NETS: dict[str, Spec] = {
    "mlp": mlp.spec((4, 3, 2), (8, 6), 3, "tanh", BATCH_NORM),
    # Of tanh: behind a ReLU that lets all pass, batch norm takes a shift away again, and Adam makes
    # of the rounding that is its gradient a step of full size.
    "convnet": convnet.spec((9, 8, 2), (Block(3, 3), Block(4, 2)), (5,), 3, "tanh", BATCH_NORM),
    "lenet": lenet.spec(),
    "vgg": vgg.spec("A", (32, 32, 2), 3, 1 / 32, (6, 5), None),
    "resnet": residual(),
    "segnet": segnet.spec((8, 16, 2), 3, (2, 3), (2, 1)),
}
SMALL = NETS["convnet"]
RATE = 2.0**-10
EXACT = 1e-9  # float64, after Adam, which magnifies rounding where a gradient is small
ROUNDED = 1e-3  # float32: three orders above its rounding, which Adam magnifies
UPDATE = Update("cross_entropy", ("",), adam(0.875, 1 - 2.0**-10, 1e-30))


@pytest.fixture(scope="module")
def library(name: str, adapter: ModuleType) -> Any:
    """After the adapter, which settles precision and threads."""
    return importlib.import_module(f"implementations.library.{name}")


def forms(library: Any) -> list[str]:
    """Those that this machine has."""
    found = []
    for form in library.FORMS:
        try:
            library.build(SMALL, UPDATE, Config(), form).close()
        except UserError as error:
            assert "compiler" in str(error) or "headers" in str(error)  # noqa: PT017
        else:
            found.append(form)
    return found


def start(spec: Spec) -> Arrays:
    return weights.initial(spec, 0).parameters


def batches_of(spec: Spec, number: int) -> list[dict[str, np.ndarray]]:
    """Of dim images: where a softmax is sure of itself, its gradient is rounding."""
    batches = [drawn(spec, 6, seed) for seed in range(number)]
    return [{"x": batch["x"] / 16, "y": batch["y"]} for batch in batches]


def compared(
    library: Any, reference: Any, spec: Spec, form: str, dtype: Any, rate: float = RATE
) -> float:
    """Five steps on three batches, in two calls: where the second goes on, and how far apart the
    parameters are from the reference's."""
    config, batches = Config(dtype=dtype), batches_of(spec, 3)
    loop = library.build(spec, UPDATE, config, form, rate)
    loop.load(start(spec))
    loop.stage(batches)
    loop.steps(2)
    loop.steps(3)
    loop.synchronize()
    found = loop.found()
    loop.close()
    system: System = reference.build(spec, {"train": UPDATE}, config)
    system.load(State(start(spec)))
    for step in range(5):
        system.update("train", system.stage(batches[step % 3]), RATE)
    expected = system.export().parameters
    assert distance(expected, start(spec)) > 1e-3
    return distance(found, expected)


@pytest.mark.parametrize("net", NETS)
def test_a_loop_moves_parameters_as_the_reference_does(library, reference, net: str) -> None:
    spec = NETS[net]
    if spec.architecture not in library.nets.ARCHITECTURES:
        pytest.skip(f"{spec.architecture} is not written in this library's layers")
    assert compared(library, reference, spec, library.FORMS[0], "float64") < EXACT


@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated")  # PyTorch's own use
def test_every_form(library: Any, reference: ModuleType) -> None:
    for form in forms(library):
        assert compared(library, reference, NETS["mlp"], form, "float64") < EXACT


def test_in_float32(library: Any, reference: ModuleType) -> None:
    assert compared(library, reference, SMALL, library.FORMS[0], "float32") < ROUNDED


def test_the_comparison_can_fail(library: Any, reference: ModuleType) -> None:
    """A rate that is 1 % too large."""
    form = library.FORMS[0]
    assert compared(library, reference, SMALL, form, "float64", 1.01 * RATE) > 1e-5


def test_loading_starts_anew(library: Any) -> None:
    """Parameters, the optimizer's state; and staging starts with the first batch."""
    loop = library.build(SMALL, UPDATE, Config(dtype="float64"), library.FORMS[0], RATE)
    ends = []
    for _ in range(2):
        loop.load(start(SMALL))
        loop.stage(batches_of(SMALL, 2))
        assert distance(loop.found(), start(SMALL)) == 0
        loop.steps(3)
        loop.synchronize()
        ends.append(loop.found())
    assert distance(*ends) == 0
    loop.steps(1)
    assert distance(loop.found(), ends[1]) > 1e-4
    assert distance(*ends) == 0  # what was handed out is a copy
    loop.close()


def test_parameters_that_do_not_fit_are_refused(library: Any) -> None:
    loop = library.build(SMALL, UPDATE, Config(), library.FORMS[0])
    parameters = dict(start(SMALL))
    del parameters["fc1/bias"]
    with pytest.raises(ContractError, match=r"missing \['fc1/bias'\]"):
        loop.load(parameters)
    loop.close()


@pytest.mark.parametrize(
    ("sizes", "message"), [((), "batches, all of one size"), ((4, 3), r"got \[3, 4\] examples")]
)
def test_batches_that_do_not_fit_are_refused(library: Any, sizes: Any, message: str) -> None:
    loop = library.build(SMALL, UPDATE, Config(), library.FORMS[0])
    with pytest.raises(UserError, match=message):
        loop.stage([drawn(SMALL, size) for size in sizes])
    loop.close()


REFUSED = {
    "sgd": (SMALL, replace(UPDATE, optimizer=sgd()), "by Adam on cross_entropy alone"),
    "a part": (SMALL, replace(UPDATE, wrt=("fc1/",)), "trains all parameters"),
    "decay": (SMALL, replace(UPDATE, weight_decay=0.1), "trains all parameters"),
    "dropout": (mlp.spec(dropout="deck", keep_hidden=0.5), UPDATE, "masks of dropout itself"),
    "fusion": (fusion_segnet.spec(), UPDATE, "fusion_segnet is not written in"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_a_loop_does_not_train_is_refused(library: Any, case: str) -> None:
    spec, update, message = REFUSED[case]
    with pytest.raises(UserError, match=message):
        library.build(spec, update, Config(), library.FORMS[0])


def test_what_the_library_says_in_another_way_is_refused(library: Any) -> None:
    """Of SegNet, where it has one."""
    spec = segnet.spec((8, 8, 1), 3, (2,), (1,), class_weights=(1, 2, 1))
    with pytest.raises(UserError, match=r"weights of 1|segnet is not written"):
        library.build(spec, UPDATE, Config(), library.FORMS[0])
    spec = segnet.spec((8, 8, 1), 3, (2,), (1,), "fixed")
    with pytest.raises(UserError, match=r"without an index|segnet is not written"):
        library.build(spec, UPDATE, Config(), library.FORMS[0])


def test_an_unknown_form_is_refused(library: Any) -> None:
    with pytest.raises(UserError, match=r"unknown form of .* 'fastest'"):
        library.build(SMALL, UPDATE, Config(), "fastest")


def test_a_compiled_form_needs_a_compiler(
    library: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    if "compiled" not in library.FORMS:
        pytest.skip("this library compiles by itself")
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(UserError, match="there is no no-such-compiler"):
        library.build(SMALL, UPDATE, Config(), "compiled")
    monkeypatch.setenv("CXX", "true")
    monkeypatch.setattr(library.sysconfig, "get_paths", lambda: {"include": str(tmp_path)})
    with pytest.raises(UserError, match=r"there is no Python\.h in"):
        library.build(SMALL, UPDATE, Config(), "compiled")
