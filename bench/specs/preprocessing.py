"""What is done to images before a net sees them. Nothing is learned; all draws are batch entries.

    standardized  (x - mean) / deviation, both (channels,)
    affine        rotation, scaling and shift of each image about its center, angle (B,) in
                  radians, scale (B,), shift (B, 2) in pixels (down, right)
    elastic       each pixel is taken from displacement (B, height, width, 2) pixels away
    noisy         x + noise

A scale of 0 would take an image to a point, and one below 0 would turn it as well: both are refused
where the batch is staged. Each function answers with one output, "x". The equations stand in
implementations/<framework>/techniques/normalization.py and augmentation.py.
"""

from bench.ranges import NOT_NEGATIVE, POSITIVE
from bench.spec import Spec


def spec(inputs: tuple[int, int, int] = (28, 28, 1)) -> Spec:
    height, width, channels = inputs
    return Spec(
        architecture="preprocessing",
        parameters={},
        parameter_count=0,
        inputs={
            "x": inputs,
            "mean": (channels,),
            "deviation": (channels,),
            "angle": (),
            "scale": (),
            "shift": (2,),
            "displacement": (height, width, 2),
            "noise": inputs,
        },
        functions=("standardized", "affine", "elastic", "noisy"),
        objectives=(),
        activations={},
        ranges={"scale": POSITIVE, "deviation": NOT_NEGATIVE},
    )
