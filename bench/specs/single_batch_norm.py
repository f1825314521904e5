"""One batch norm layer alone, over a dense input (features) or a convolutional one.

    y = scale (x - mean) / sqrt(variance + epsilon) + shift
    E = sum cotangent y

mean and variance are those of the batch in training (over examples, and over pixels where the
input is an image), the running ones at inference. Ioffe and Szegedy (2015), "Batch normalization:
accelerating deep network training by reducing internal covariate shift".
"""

from collections.abc import Mapping
from typing import Any

from bench.conventions import BATCH_NORM
from bench.spec import Spec, batch_norm, norm_constants, running_statistics


def spec(inputs: tuple[int, ...] = (6, 6, 3), norm: Mapping[str, Any] = BATCH_NORM) -> Spec:
    width = inputs[-1]
    return Spec(
        architecture="single_batch_norm",
        parameters=batch_norm("bn", width),
        parameter_count=2 * width,
        inputs={"x": inputs, "cotangent": inputs},
        functions=("response",),
        objectives=("energy",),
        activations={"bn": inputs},
        buffers=running_statistics("bn", width),
        options={"norm": norm_constants(norm)},
    )
