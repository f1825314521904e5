"""Real pixels with a real height: a motorcycle, and the disparity of its stereo pair.

    x (side, side, 4)   red, green and blue of the left image, its disparity in pixels
    y                   one of four clusters of color and disparity

A disparity is large where a thing is near: seen along the camera, a height. Classes come from
k-means of the very pixels that the net sees. They are not independent of it, and the tiles overlap:
this shows that nets run on real pixels, and is evidence for nothing else. Clusters are those of the
left of the image, where tiles for training lie; tiles for testing lie in the right.

Scharstein, Hirschmüller, Kitajima, Krathwohl, Nešić, Wang and Westling (2014), "High-resolution
stereo datasets with subpixel-accurate ground truth", of which scikit-image bundles one pair at a
quarter of the size, without a word on its licence.
"""

import functools
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.cluster import KMeans

from bench import files, scenes
from bench.dataset import Prepared
from bench.errors import UserError
from bench.files import File
from bench.ledger import DATA, LEDGER
from bench.randomness import stream

CLASSES = ("cluster 1", "cluster 2", "cluster 3", "cluster 4")
LEFT = 0.6  # share of the columns that training sees
SMALLEST, LARGEST = 16, 297  # the narrower region for testing has so many columns
DITHER = 1 / 255  # of a channel's range: equal bytes are not equal here
STEREO = (
    File(
        "motorcycle_left.png",
        {"db18e9c4157617403c3537a6ba355dfeafe9a7eabb6b9b94cb33f6525dd49179": 644_701},
        package="skimage",
        path="data/motorcycle_left.png",
    ),
    File(
        "motorcycle_disp.npz",
        {"2e49c8cebff3fa20359a0cc6880c82e1c03bbb106da81a177218281bc2f113d7": 1_146_173},
        package="skimage",
        path="data/motorcycle_disp.npz",
    ),
)


@LEDGER.counted(DATA)
def prepare(
    seed: int, train: int, test: int, side: int = 48, data_dir: Path | None = None
) -> Prepared:
    """Raises UserError for less than one tile, for a side that no region fits, and for files that
    are not there or not those."""
    scenes.check(train, test, side, SMALLEST, LARGEST)
    pixels, classes = _image(data_dir)
    edge = int(pixels.shape[1] * LEFT)
    parts = []
    for part, count, region in (
        ("train", train, slice(0, edge)),
        ("test", test, slice(edge, None)),
    ):
        own, labels, window = pixels[:, region], classes[:, region], (side, side)
        views = np.lib.stride_tricks.sliding_window_view(own, window, axis=(0, 1))
        masks = np.lib.stride_tricks.sliding_window_view(labels, window)
        draws = stream(seed, f"stereo/{part}")
        rows, columns = (draws.integers(0, places, count) for places in masks.shape[:2])
        x = np.ascontiguousarray(views[rows, columns].transpose(0, 2, 3, 1))
        x += DITHER * np.ptp(pixels, axis=(0, 1)) * draws.normal(size=x.shape)
        parts.append((x, masks[rows, columns].astype(np.int64)))
    return scenes.normalized("stereo", CLASSES, parts[0], parts[1], {"side": side, "smoke": True})


@functools.lru_cache(maxsize=1)
def _image(data_dir: Path | None) -> tuple[np.ndarray, np.ndarray]:
    """(rows, columns, 4) and the cluster of every pixel; the median where no disparity is known."""
    paths = files.locate("stereo", STEREO, "the package scikit-image", data_dir)
    try:
        with Image.open(paths["motorcycle_left.png"]) as image:
            color = np.asarray(image.convert("RGB")) / 255
        with np.load(paths["motorcycle_disp.npz"]) as archive:
            disparity = archive["arr_0"].astype(np.float64)
    except (OSError, KeyError, ValueError) as error:
        raise UserError(f"the stereo pair cannot be read: {error}") from None
    known = np.isfinite(disparity)
    disparity[~known] = np.median(disparity[known])
    pixels = np.concatenate([color, disparity[..., None]], axis=-1)
    seen = pixels[:, : int(pixels.shape[1] * LEFT)].reshape(-1, 4)
    mean, deviation = seen.mean(axis=0), seen.std(axis=0)
    clusters = KMeans(len(CLASSES), n_init="auto", random_state=0).fit(
        (seen[::16] - mean) / deviation
    )
    flat = (pixels.reshape(-1, 4) - mean) / deviation
    return pixels, np.asarray(clusters.predict(flat)).reshape(disparity.shape)
