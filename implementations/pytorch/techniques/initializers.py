"""Initial weights by PyTorch's own initializers, which draw untruncated normals.

    constant_small, constant_large    Var = 0.01^2, 1                 normal_, uniform_
    xavier                            Var = 1 / fan_in                kaiming_*_ with gain 1
    glorot_printed                    Var = 1 / (fan_in + fan_out)    xavier_*_ with gain sqrt(1/2)
    glorot                            Var = 2 / (fan_in + fan_out)    xavier_*_
    he                                Var = 2 / fan_in                kaiming_*_ with ReLU's gain

_normal is N(0, Var); _uniform is U(-a, a) with a = sqrt(3 Var). Glorot and Bengio (2010),
"Understanding the difficulty of training deep feedforward neural networks"; He, Zhang, Ren and Sun
(2015), "Delving deep into rectifiers". None is PyTorch's default, which is uniform with
Var = 1 / (3 fan_in).
"""

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn import init

from bench import ranges
from bench.errors import UserError

FILLS: dict[str, Callable[..., Tensor]] = {
    "constant_small_normal": partial(init.normal_, mean=0.0, std=0.01),
    "constant_small_uniform": partial(init.uniform_, a=-0.01 * math.sqrt(3), b=0.01 * math.sqrt(3)),
    "constant_large_normal": partial(init.normal_, mean=0.0, std=1.0),
    "constant_large_uniform": partial(init.uniform_, a=-math.sqrt(3), b=math.sqrt(3)),
    "xavier_normal": partial(init.kaiming_normal_, mode="fan_in", nonlinearity="linear"),
    "xavier_uniform": partial(init.kaiming_uniform_, mode="fan_in", nonlinearity="linear"),
    "glorot_printed_normal": partial(init.xavier_normal_, gain=math.sqrt(1 / 2)),
    "glorot_printed_uniform": partial(init.xavier_uniform_, gain=math.sqrt(1 / 2)),
    "glorot_normal": partial(init.xavier_normal_, gain=1.0),
    "glorot_uniform": partial(init.xavier_uniform_, gain=1.0),
    "he_normal": partial(init.kaiming_normal_, mode="fan_in", nonlinearity="relu"),
    "he_uniform": partial(init.kaiming_uniform_, mode="fan_in", nonlinearity="relu"),
}
# From canonical layout to PyTorch's, in which its initializers count the fans. Gates come first.
AXES = {"dense": (1, 0), "convolution": (3, 2, 0, 1), "recurrent": (1, 2, 0)}


def draw(name: str, shape: tuple[int, ...], layout: str, seed: int) -> np.ndarray:
    """A weight in canonical layout: dense (in, out), convolution (height, width, in, out),
    recurrent (in, gates, out), of which each gate is a layer of its own.

    Raises UserError for an unknown name or layout, a shape of another layout, and a fan of zero.
    """
    fill = FILLS[ranges.choice("initializer", name, FILLS)]
    axes = AXES[ranges.choice("layout of a weight", layout, AXES)]
    if len(shape) != len(axes) or min(shape) < 1:
        raise UserError(
            f"a weight of layout {layout} has {len(axes)} axes of at least 1 each, got {shape}"
        )
    generator = torch.Generator().manual_seed(seed)
    weight = torch.empty([shape[axis] for axis in axes], dtype=torch.float64)
    for single in weight if layout == "recurrent" else [weight]:
        fill(single, generator=generator)
    return weight.numpy().transpose(np.argsort(axes))
