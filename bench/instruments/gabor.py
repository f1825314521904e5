"""How much a filter looks like a Gabor function, and how much any filter of its spectrum would.

    g(x, y) = exp(-u^2 / (2 s_u^2) - v^2 / (2 s_v^2)) (a cos(2 pi f u) + b sin(2 pi f u))
    u = (x - x0) cos t + (y - y0) sin t        v = -(x - x0) sin t + (y - y0) cos t

is fitted by least squares to the filter less its mean. R^2 = 1 - residual / sum of squares. The fit
starts where an exhaustive search of a coarse grid found the best functions.

R^2 alone says little: a random filter that is smooth fits a Gabor function better than many a
learned one. So each filter is compared with surrogates that have its own spectrum and random
phases, and hence its smoothness and orientation, without its localized shape.

Jones and Palmer (1987), "An evaluation of the two-dimensional Gabor filter model of simple
receptive fields in cat striate cortex"; Theiler and others (1992), "Testing for nonlinearity in
time series: the method of surrogate data".
"""

import functools
import math

import numpy as np
from scipy import optimize

STARTS, EVALUATIONS = 2, 25
DEVIATIONS = (0.14, 0.3)  # of the coarse grid's envelopes, as shares of the side
FREQUENCIES = (0.11, 0.18, 0.27, 0.38)  # cycles per pixel
ORIENTATIONS = 8
PLACES = (0.2, 0.4, 0.6, 0.8)  # as shares of the side


def quality(filters: np.ndarray) -> np.ndarray:
    """R^2 of the best Gabor function found for each filter. filters (side, side, n) -> (n,)."""
    side, _, count = filters.shape
    flat = filters.reshape(side * side, count).astype(float)
    flat = flat - flat.mean(axis=0)
    energy = (flat**2).sum(axis=0)
    flat = flat / np.sqrt(np.where(energy > 0, energy, 1.0))
    found = np.full(count, math.nan)
    for number in np.flatnonzero(energy > 0):
        starts = _starts(flat[:, number], side)
        found[number] = max(_fit(flat[:, number], side, start) for start in starts)
    return found


def surrogates(filters: np.ndarray, draws: np.random.Generator) -> np.ndarray:
    """Filters of the same spectra with random phases: those of white noise. Same shape."""
    spectrum = np.abs(np.fft.fft2(filters, axes=(0, 1)))
    noise = np.fft.fft2(draws.standard_normal(filters.shape), axes=(0, 1))
    return np.fft.ifft2(spectrum * noise / np.abs(noise), axes=(0, 1)).real


def function(side: int, values: np.ndarray) -> np.ndarray:
    """The Gabor function of x0, y0, t, s_u, s_v, f, a, b on the pixels, (side, side)."""
    return _model(values, *_pixels(side))[0].reshape(side, side)


def _pixels(side: int) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.divmod(np.arange(side * side), side)
    return x.astype(float), y.astype(float)


def _model(values: np.ndarray, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The function and its derivatives by the eight values, (pixels,) and (pixels, 8)."""
    x0, y0, t, s_u, s_v, f, a, b = values
    cos, sin = math.cos(t), math.sin(t)
    u = (x - x0) * cos + (y - y0) * sin
    v = (y - y0) * cos - (x - x0) * sin
    envelope = np.exp(-0.5 * ((u / s_u) ** 2 + (v / s_v) ** 2))
    even = envelope * np.cos(2 * math.pi * f * u)
    odd = envelope * np.sin(2 * math.pi * f * u)
    g = a * even + b * odd
    turn = 2 * math.pi * (b * even - a * odd)  # dg / d(f u)
    by_u, by_v = f * turn - u / s_u**2 * g, -v / s_v**2 * g
    slopes = (
        -cos * by_u + sin * by_v,
        -sin * by_u - cos * by_v,
        v * by_u - u * by_v,
        u**2 / s_u**3 * g,
        v**2 / s_v**3 * g,
        u * turn,
        even,
        odd,
    )
    return g, np.stack(slopes, axis=1)


def _fit(target: np.ndarray, side: int, start: np.ndarray) -> float:
    x, y = _pixels(side)
    low = [0, 0, -np.inf, 1, 1, 1 / side, -np.inf, -np.inf]
    high = [side - 1, side - 1, np.inf, side / 2, side / 2, 0.5, np.inf, np.inf]
    found = optimize.least_squares(
        lambda values: _model(values, x, y)[0] - target,
        start,
        lambda values: _model(values, x, y)[1],
        bounds=(low, high),
        x_scale=[1, 1, 0.3, 1, 1, 0.05, 1, 1],
        max_nfev=EVALUATIONS,
    )
    return 1 - 2 * float(found.cost)  # the target's sum of squares is 1


def _starts(target: np.ndarray, side: int) -> list[np.ndarray]:
    """The best function of the grid for the best frequencies, STARTS of them."""
    values, even, odd = _grid(side)
    explained = (even @ target) ** 2 + (odd @ target) ** 2
    best = [
        max(np.flatnonzero(values[:, 5] == f), key=lambda n: explained[n])
        for f in np.unique(values[:, 5])
    ]
    best.sort(key=lambda n: -explained[n])
    x, y = _pixels(side)
    starts = []
    for number in best[:STARTS]:
        pair = _model(np.array([*values[number], 1, 0]), x, y)[1][:, 6:]
        amplitudes = np.linalg.lstsq(pair, target, rcond=None)[0]
        starts.append(np.array([*values[number], *amplitudes]))
    return starts


@functools.cache
def _grid(side: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values (functions, 6) and an orthonormal pair (functions, pixels) that spans each."""
    x, y = _pixels(side)
    values, evens, odds = [], [], []
    for column in PLACES:
        for row in PLACES:
            for orientation in range(ORIENTATIONS):
                for share in DEVIATIONS:
                    for frequency in FREQUENCIES:
                        t, s = math.pi * orientation / ORIENTATIONS, share * side
                        place = (column * (side - 1), row * (side - 1))
                        entry = (*place, t, s, s, frequency)
                        slopes = _model(np.array([*entry, 1, 0]), x, y)[1]
                        pair = np.linalg.qr(slopes[:, 6:])[0]
                        values.append(entry)
                        evens.append(pair[:, 0])
                        odds.append(pair[:, 1])
    return np.array(values), np.array(evens), np.array(odds)
