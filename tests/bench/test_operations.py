"""Operations and bytes by hand; those of all nets are compared in tests/implementations."""

import pytest

from bench import operations, spec
from bench.errors import UserError
from bench.optimizers import CONSTANTS, adam, sgd
from bench.specs import convnet, mlp, resnet
from bench.specs.convnet import Block
from implementations.numpy.techniques.optimizers import SLOTS

ADAM = adam(0.9, 0.999, 1e-8)
LENET_IMAGE = 2 * (28 * 28 * 9 * 64 + 14 * 14 * 9 * 64 * 128 + 6272 * 256 + 256 * 10)
LENET_INPUT = 2 * 28 * 28 * 9 * 64  # the gradient by the image, which nobody asks for


def test_lenet_by_hand() -> None:
    lenet = spec.get("lenet")
    assert operations.forward(lenet, 5).forward == 5 * LENET_IMAGE
    step = operations.update(lenet, 5, ADAM)
    assert step.operations == 5 * (3 * LENET_IMAGE - LENET_INPUT)
    assert step.backward == 5 * (2 * LENET_IMAGE - LENET_INPUT)
    assert step.optimizer == 14 * 1_682_954


def test_bytes_by_hand() -> None:
    """Two classes of 3 numbers through 4 units: 26 parameters, 3 + 4 + 2 numbers an example."""
    net = mlp.spec((3,), (4,), 2)
    alone = operations.forward(net, 10)
    assert alone.bytes == 4 * (26 + 10 * 9) + 10 * 8
    assert operations.update(net, 10, sgd()).bytes == alone.bytes + 4 * 26
    assert operations.update(net, 10, ADAM).bytes == alone.bytes + 4 * 3 * 26
    double = operations.update(net, 10, ADAM, "float64")
    assert double.bytes == 2 * (alone.bytes - 80 + 4 * 3 * 26) + 80
    assert alone.intensity == 2 * 10 * (3 * 4 + 4 * 2) / alone.bytes


def test_a_linear_net_has_no_gradient_by_input() -> None:
    step = operations.update(mlp.spec((3,), (), 2), 1, sgd())
    assert step.backward == step.forward == 2 * 3 * 2


def test_strides_and_poolings_count_once() -> None:
    """9x9, a 3x3 convolution of stride 2: 4x4 positions; pooled by 2: the next sees 2x2."""
    net = convnet.spec((9, 9, 1), (Block(2, 3, 2), Block(3, 1, pooling="none")), (), 2)
    expected = 2 * (16 * 9 * 2 + 4 * 2 * 3 + 12 * 2)
    assert operations.forward(net, 1).forward == expected


def test_published_costs() -> None:
    """He and others (2016), table 1: multiplications and additions in one, biases and norms aside.

    3.6 billion for 34 layers and 3.8 for 50, to the digits printed there.
    """
    found = {
        depth: operations.forward(resnet.imagenet(depth), 1).forward / 2e9 for depth in (34, 50)
    }
    assert found[34] == pytest.approx(3.6, abs=0.07)
    assert found[50] == pytest.approx(3.8, abs=0.07)


def test_rules_are_those_of_the_contract() -> None:
    assert {name: rule.slots for name, rule in operations.RULES.items()} == {
        name: len(slots) for name, slots in SLOTS.items()
    }
    assert operations.RULES.keys() == CONSTANTS.keys()


@pytest.mark.parametrize("call", [operations.forward, lambda n, e: operations.update(n, e, ADAM)])
def test_no_example_is_refused(call) -> None:
    with pytest.raises(UserError, match="examples must be a number in"):
        call(spec.get("mlp"), 0)


def test_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    operations.show({"lenet": spec.get("lenet")}, 64)
    assert "2,113.3" in capsys.readouterr().out
