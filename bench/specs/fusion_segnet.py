"""RGB and height, each through a SegNet of its own: late fusion.

    rgb      the first 3 channels of x -> encoder-decoder "rgb/" -> features
    height   the last channel of x -> encoder-decoder "height/" -> features
    fused    both, as `fusion` says -> classifier 1x1 -> logits

    concatenated   the channels of the one behind those of the other. The classifier is linear: it
                   is the sum of two classifiers, one for each, so that their logits are added
    added          element by element: both share one classifier

Equations, levels, upsampling, dropout and class weights are those of bench/specs/segnet.py. Early
fusion is segnet.spec() of four channels; of three or of one it is the net of one modality alone.

After the 2015 data fusion contest of the IEEE Geoscience and Remote Sensing Society: Lagrange, Le
Saux and others (2015), "Benchmarking classification of Earth-observation data: from learning
explicit features to convolutional networks"; two SegNets that are fused late: Audebert, Le Saux and
Lefèvre (2016), "Semantic segmentation of Earth observation data using multimodal and multi-scale
deep networks".
"""

from collections.abc import Mapping, Sequence
from typing import Any

from bench import ranges
from bench.conventions import BATCH_NORM
from bench.errors import UserError
from bench.spec import Spec, count, layer, norm_constants
from bench.specs import segnet

FUSIONS = ("concatenated", "added")
STREAMS = {"rgb": 3, "height": 1}  # the channels of each, in the order of x
DEFAULT_COUNT = 24_900


def spec(
    inputs: tuple[int, int, int] = (48, 48, 4),
    classes: int = 4,
    widths: Sequence[int] = (8, 16, 32),
    convolutions: Sequence[int] = (1, 1, 1),
    fusion: str = "concatenated",
    upsampling: str = "indices",
    norm: Mapping[str, Any] | None = BATCH_NORM,
    dropout: str | None = None,
    keep: float = 1.0,
    class_weights: Sequence[float] | None = None,
) -> Spec:
    """Raises UserError for images of other than four channels, an unknown fusion, and as
    segnet.spec() does."""
    ranges.choice("fusion", fusion, FUSIONS)
    if ranges.image(inputs)[2] != sum(STREAMS.values()):
        raise UserError(f"RGB and height are {sum(STREAMS.values())} channels, got {inputs}")
    total = segnet.Parts()
    for name, channels in STREAMS.items():
        image = (*inputs[:2], channels)
        parts = segnet.encoder_decoder(f"{name}/", image, widths, convolutions, upsampling, norm)
        total.parameters |= parts.parameters
        total.buffers |= parts.buffers
        total.activations |= parts.activations
        total.decisions += parts.decisions
        total.masks |= parts.masks
        total.positions |= parts.positions
    masks = total.masks if segnet.masked(dropout, keep) else {}
    features = widths[0] * (len(STREAMS) if fusion == "concatenated" else 1)
    total.parameters |= layer("classifier", (1, 1, features, classes))
    default = (inputs, classes, tuple(widths), tuple(convolutions), fusion) == (
        *((48, 48, 4), 4, (8, 16, 32), (1, 1, 1), "concatenated"),
    )
    pinned = DEFAULT_COUNT if default and norm and upsampling != "transposed" else None
    return Spec(
        architecture="fusion_segnet",
        parameters=total.parameters,
        parameter_count=pinned or count(total.parameters),
        inputs={
            "x": inputs,
            "y": inputs[:2],
            **{f"dropout/{name}": shape for name, shape in masks.items()},
        },
        functions=("logits",),
        objectives=("cross_entropy",),
        activations={
            **total.activations,
            "fused": (*inputs[:2], features),
            "logits": (*inputs[:2], classes),
        },
        decisions=tuple(total.decisions),
        buffers=total.buffers,
        ranges={"y": ranges.labels(classes)},
        first_layers=tuple(f"{name}/conv1_1" for name in STREAMS),
        positions=total.positions,
        options={
            "streams": dict(STREAMS),
            "fusion": fusion,
            "convolutions": tuple(convolutions),
            "upsampling": upsampling,
            "norm": norm_constants(norm),
            "dropout": dropout,
            "keep": dict.fromkeys(masks, keep),
            "class_weights": segnet.weights(classes, class_weights),
        },
    )
