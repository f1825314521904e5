"""A learning curve as it is drawn: the mean of the last few losses, thinned to a few points.

    m_t = (1/w) sum_(s = t - w + 1 .. t) loss_s,   t = w, ..., T

It is the quantity whose first crossing Fit.steps_to() counts, so that the curve shows the count.
"""

from collections.abc import Sequence

import numpy as np

WINDOW = 10
POINTS = 200


def smoothed(
    losses: Sequence[float], window: int = WINDOW, points: int = POINTS
) -> list[tuple[int, float]]:
    """(step, mean of the last `window` losses), at most `points` of them, first and last kept.

    Nothing where there are fewer losses than `window`, or once a loss is no longer finite.
    """
    x = np.asarray(losses, float)
    lost = np.flatnonzero(~np.isfinite(x))
    x = x[: lost[0]] if len(lost) else x
    if len(x) < window:
        return []
    sums = np.cumsum([0.0, *x])
    means = (sums[window:] - sums[:-window]) / window
    kept = np.unique(np.linspace(0, len(means) - 1, min(points, len(means))).round().astype(int))
    return [(int(index) + window, float(means[index])) for index in kept]
