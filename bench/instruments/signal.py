"""How large the signal is at every layer of a net, and how large the gradient that comes back.

    forward_l  = sqrt(mean of z_l^2)           over examples and units; z_l is a layer's output
    backward_l = sqrt(mean of (dE/dz_l)^2)     before its activation
    dead_l     = share of the units whose gradient is 0 for every example

Under random weights of variance v, independent of the signal, one layer of n inputs multiplies the
mean square of its pre-activations by the gain

    n v E[f(z)^2] / E[z^2] = n v (linear), n v / 2 (ReLU)

so that the signal after l layers is sqrt(gain)^l times the first one: a line in log2. The same
holds for the gradient on its way back, with the outputs' number in place of n.

Where narrow layers of n units alternate with wide ones of m, no variance keeps both. Across a layer
that widens (n in, m out), and then one that narrows (m in, n out), the gains without activation are

    Xavier      1/n_in              forward  1, 1                    back  m/n, n/m
    published   2/(n_in + n_out)    forward  2n/(n+m), 2m/(n+m)      back  2m/(n+m), 2n/(n+m)
    printed     1/(n_in + n_out)    half of the published ones
    He          2/n_in              twice Xavier's

Xavier keeps the signal at every layer and lets the gradient swing by m/n. The published rule shares
the swing between both ways, and pays for it with 4nm/(n+m)^2 a pair of layers, both ways alike. At
every single layer the mean of its two gains is 1, which is what its authors ask for, and none of
the others does (printed: 1/2).

He, Zhang, Ren and Sun (2015), "Delving deep into rectifiers", section 2.2; Glorot and Bengio
(2010), "Understanding the difficulty of training deep feedforward neural networks".
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.contract import Arrays, System

GAINS: Mapping[str, float] = {"identity": 1.0, "relu": 0.5, "tanh": 1.0}  # tanh: of small signals


@dataclass(frozen=True)
class Level:
    """One layer."""

    layer: int
    forward: float
    backward: float
    dead: float

    def row(self, **identity: float | str) -> dict[str, float | str]:
        return {**identity, **vars(self)}


def levels(system: System, update: str, batch: Arrays, layers: Sequence[str]) -> list[Level]:
    """The named activations of System.trace, in that order, numbered from 1."""
    wanted = {name: number for number, name in enumerate(layers, start=1)}
    found: dict[int, Level] = {}
    for name, value, gradient in system.trace(update, system.stage(batch)):
        if name in wanted:
            found[wanted[name]] = level(wanted[name], value, gradient)
    return [found[number] for number in sorted(found)]


def level(layer: int, value: np.ndarray, gradient: np.ndarray) -> Level:
    """value and gradient (examples, ..., units)."""
    silent = (gradient.reshape(-1, gradient.shape[-1]) == 0).all(axis=0)
    return Level(layer, size(value), size(gradient), float(silent.mean()))


def size(array: np.ndarray) -> float:
    """Root mean square, scaled first so that squares neither overflow nor vanish."""
    x = np.asarray(array, np.float64)
    largest = float(np.abs(x).max())
    if largest == 0 or not math.isfinite(largest):
        return largest
    return largest * float(np.sqrt(np.mean((x / largest) ** 2)))


def doublings_per_layer(sizes: Sequence[float]) -> float:
    """The slope of log2 of the sizes on the layer, by least squares.

    Not-a-number where fewer than two layers have a size above 0, or one is not finite.
    """
    y = np.asarray(sizes, float)
    there = y > 0
    if there.sum() < 2 or not np.isfinite(y).all():
        return math.nan
    layer = np.arange(len(y))[there]
    return float(np.polynomial.polynomial.polyfit(layer, np.log2(y[there]), 1)[1])


def swing(sizes: Sequence[float]) -> float:
    """Doublings across a layer with an even number minus those across one with an odd number.

    Means over the layers from the second on; not-a-number where fewer than three have a size, or
    one has none or is not finite.
    """
    if len(sizes) < 3 or not all(0 < x < math.inf for x in sizes):
        return math.nan
    steps = np.diff(np.log2(sizes))
    return float(steps[::2].mean() - steps[1::2].mean())


def balance(found: Sequence[Level]) -> float:
    """log2 sqrt(mean of both gains of all layers from the second on): 0 where the mean gain is 1.

    gains of layer l: (forward_l / forward_(l-1))^2, (backward_(l-1) / backward_l)^2

    Not-a-number where fewer than two layers are there, or a size is 0 or not finite.
    """
    forward, backward = ([getattr(x, way) for x in found] for way in ("forward", "backward"))
    if len(found) < 2 or not all(0 < x < math.inf for x in forward + backward):
        return math.nan
    steps = np.concatenate([np.diff(np.log2(forward)), -np.diff(np.log2(backward))])
    return 0.5 * math.log2(np.mean(4.0**steps))


def doublings(first: float, last: float) -> float:
    """log2(last / first); not-a-number unless both are above 0 and finite."""
    if not (0 < first < math.inf and 0 < last < math.inf):
        return math.nan
    return math.log2(last) - math.log2(first)


def law(activation: str, inputs: int, variance: float) -> float:
    """Doublings of the signal per layer, log2 sqrt(gain), for weights of this variance."""
    return 0.5 * math.log2(GAINS[activation] * inputs * variance)


def laws(
    activation: str, widths: tuple[int, int], variance: Callable[[int, int], float]
) -> dict[str, float]:
    """What a net shows whose layers have these two widths by turns: slopes, swings, balance.

    variance: of a weight, from fan in and fan out. The layers with the second width count as even.
    """
    forward, backward = [], []  # doublings across a layer to the second width, and to the first
    for fans in (widths, widths[::-1]):
        for way, units in zip((forward, backward), fans, strict=True):
            way.append(law(activation, units, variance(*fans)))
    return {
        "forward": sum(forward) / 2,
        "backward": sum(backward) / 2,
        "forward_swing": forward[0] - forward[1],
        "backward_swing": backward[0] - backward[1],
        "balance": 0.5 * math.log2(sum(4**doublings for doublings in forward + backward) / 4),
    }
