"""What a convolutional net's feature maps measure: how much of the image a unit sees, and what
pooling does to height, width and depth.

Going up the net, a window of w taken every s positions of a map whose units see v pixels and lie d
pixels apart gives

    v <- v + (w - 1) d,    d <- s d          starting from v = d = 1
"""

from collections.abc import Iterable, Mapping

import numpy as np

from bench.spec import Spec


def seen(windows: Iterable[tuple[int, int]]) -> int:
    """Side of the square of pixels behind a unit, through windows of so many taps and a stride."""
    view, apart = 1, 1
    for taps, stride in windows:
        view, apart = view + (taps - 1) * apart, apart * stride
    return view


def field_of_view(spec: Spec) -> int:
    """Side of the square of pixels that a unit of the last feature map sees."""
    windows: list[tuple[int, int]] = []
    for block in spec.options["blocks"]:
        windows.append((block.kernel, block.stride))
        if block.pooling != "none":
            windows.append((block.window, block.window))
    return seen(windows)


def sizes(spec: Spec, maps: Mapping[str, np.ndarray]) -> dict[str, float]:
    """The ratios of a pooling layer's output to its input, read from the maps themselves."""
    pairs = [
        (maps[f"relu{n}"].shape, maps[f"pool{n}"].shape)
        for n in range(1, len(spec.options["blocks"]) + 1)
        if f"pool{n}" in maps
    ]
    sides = [after[k] / before[k] for before, after in pairs for k in (1, 2)] or [1.0]
    depths = [after[3] / before[3] for before, after in pairs] or [1.0]
    return {
        "halving_error": max(abs(ratio - 0.5) for ratio in sides),
        "depth_ratio": float(np.mean(depths)),
        "depth_change": max(abs(ratio - 1.0) for ratio in depths),
    }
