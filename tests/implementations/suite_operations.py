"""Operations counted from a spec are those that PyTorch's own counter sees, to the last one.

pytest tests/implementations/suite_operations.py --framework pytorch. Collected by
test_operations.py.
"""

from dataclasses import replace
from typing import Any

import pytest

from bench import operations, spec
from bench.contract import INFERENCE, TRAINING, VARIANTS, Update
from bench.conventions import BATCH_NORM, usual_adam
from bench.spec import Spec
from bench.specs import (
    convnet,
    fusion_segnet,
    mlp,
    resnet,
    segnet,
    single_convolution,
    single_upsampling,
    vgg,
)
from bench.specs.convnet import Block
from tests.implementations.systems import built, drawn, residual

EXAMPLES = 3
NETS: dict[str, Spec] = {
    **{name: spec.get(name) for name in spec.names() if spec.get(name).objectives},
    **{f"segnet {up}": segnet.spec(upsampling=up) for up in segnet.UPSAMPLINGS},
    **{
        f"fusion_segnet {fusion} {up}": fusion_segnet.spec(fusion=fusion, upsampling=up)
        for fusion in fusion_segnet.FUSIONS
        for up in ("nearest", "transposed")
    },
    "segnet of masks": segnet.spec((16, 8, 2), 4, (2, 3), (1, 2), dropout="inverted", keep=0.5),
    "mlp of techniques": mlp.spec((9,), (8, 7), 3, "tanh", BATCH_NORM, "deck", 0.8, 0.5),
    "linear": mlp.spec((4, 3, 2), (), 3),
    "convnet of strides": convnet.spec(
        (21, 17, 2), (Block(3, 5, 2, 1, "average", 3), Block(4, 2, 1, 1, "none")), (), 3
    ),
    "vgg of hidden layers": vgg.spec("C", (32, 64, 2), 3, 1 / 32, (6, 5), None, "inverted", 0.5),
    "resnet of everything": residual(),
    "resnet of projections": resnet.spec(8, shortcut="projection", norm=None),
    "resnet v1.5": resnet.imagenet(50, (64, 64, 3), 7, width=1 / 16, strided="3x3"),
    "convolution of a stride": single_convolution.spec(11, 2, 3, 3, 2, 1),
    **{f"upsampling {up}": single_upsampling.spec(upsampling=up) for up in segnet.UPSAMPLINGS},
}


def batch(net: Spec) -> dict[str, Any]:
    """Labels of the first two classes, which every net has."""
    arrays: dict[str, Any] = drawn(net, EXAMPLES)
    return arrays | ({"y": arrays["y"] % 2} if "y" in arrays else {})


def counted(adapter: Any, net: Spec, variant: str) -> tuple[int, int, int]:
    """What PyTorch counts: a forward pass in both modes, and a training step."""
    from torch.utils.flop_counter import FlopCounterMode

    rule = Update(net.objectives[0], ("",), usual_adam())
    system = built(adapter, net, {"train": rule}, "float32", variant)
    staged = system.stage(batch(net))
    found = []
    for call in (
        lambda: system.forward(net.functions[0], staged, INFERENCE),
        lambda: system.forward(net.functions[0], staged, TRAINING),
        lambda: system.update("train", staged, 1e-3),
    ):
        with FlopCounterMode(display=False) as counter:
            call()
        found.append(counter.get_total_flops())
    return found[0], found[1], found[2]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("net", NETS)
def test_operations_are_those_that_pytorch_counts(adapter: Any, net: str, variant: str) -> None:
    forward = operations.forward(NETS[net], EXAMPLES).operations
    step = operations.update(NETS[net], EXAMPLES, usual_adam())
    assert forward == step.forward
    assert counted(adapter, NETS[net], variant) == (forward, forward, step.operations)


MISTAKES = {
    "an image that asks for a gradient": replace(
        NETS["fusion_segnet"], first_layers=("rgb/conv1_1",)
    ),
    "a transposed convolution like another": replace(NETS["segnet transposed"], positions={}),
    "a layer at another size": replace(
        NETS["lenet"], activations={**NETS["lenet"].activations, "conv2": (28, 28, 128)}
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_a_spec_is_seen(adapter: Any, mistake: str) -> None:
    step = operations.update(MISTAKES[mistake], EXAMPLES, usual_adam())
    assert counted(adapter, MISTAKES[mistake], "reference")[2] != step.operations
