"""A 2x2 max pooling and its way back, alone.

    x (H, W, C) -> pool -> up -> y
    E = sum cotangent y

`upsampling` is one of bench/specs/segnet.py, where it is defined. Those that remember the size of x
give it back, H and W being odd or not; the others double that of the pooled image.
"""

from bench import ranges
from bench.errors import UserError
from bench.spec import Parameter, Spec, layer
from bench.specs.segnet import UPSAMPLINGS


def spec(inputs: tuple[int, int, int] = (7, 6, 3), upsampling: str = "indices") -> Spec:
    """Raises UserError for an unknown upsampling, and for an image that fills no window."""
    ranges.choice("upsampling", upsampling, UPSAMPLINGS)
    rows, columns, channels = inputs
    if min(rows, columns) < 2:
        raise UserError(f"a pooling of 2x2 needs images of 2x2 or more, got {inputs}")
    parameters: dict[str, Parameter] = {}
    if upsampling == "transposed":
        parameters = layer("up", (2, 2, channels, channels), bias=False)
    remembers = upsampling in ("indices", "fixed")
    pooled = (rows // 2, columns // 2, channels)
    out = inputs if remembers else (2 * pooled[0], 2 * pooled[1], channels)
    return Spec(
        architecture="single_upsampling",
        parameters=parameters,
        parameter_count=4 * channels**2 if parameters else 0,
        inputs={"x": inputs, "cotangent": out},
        functions=("response",),
        objectives=("energy",),
        activations={"pool": pooled, "up": out},
        decisions=("pool",),
        options={"upsampling": upsampling},
        positions={"up": pooled[0] * pooled[1]} if parameters else {},
    )
