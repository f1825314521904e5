"""Gray patches of twelve photographs; the class of a patch is its photograph.

The photographs come with the packages scikit-image (ten) and scikit-learn (two), of which only the
files are read. Color is turned into gray by the luma of ITU-R BT.601 (Pillow's mode "L"). Patches
for training lie in the left 60 % of a photograph, those for testing in the right 40 %: no pixel is
in both. Their places are drawn once and are the same for every seed.

Used where a net shall see natural images without a download: first for the filters that a first
convolution learns. Licences and citation: see DATASET.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from bench.dataset import Dataset, File, Images
from bench.errors import UserError
from bench.randomness import stream

SIDE = 32
LEFT = 0.6  # share of the columns that training sees
TRAIN, TEST = 500, 100  # patches of each photograph

# File -> SHA-256 and bytes, by package.
SKIMAGE = {
    "astronaut.png": {"88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5": 791_555},
    "brick.png": {"7966caf324f6ba843118d98f7a07746d22f6a343430add0233eca5f6eaaa8fcf": 106_634},
    "camera.png": {"b0793d2adda0fa6ae899c03989482bff9a42d3d5690fc7e3648f2795d730c23a": 139_512},
    "chelsea.png": {"596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb": 240_512},
    "coffee.png": {"cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7": 466_706},
    "coins.png": {"f8d773fc9cfa6f4d8e5942dc34d0a0788fcaed2a4fefbbed0aef5398d7ef4cba": 75_825},
    "grass.png": {"b6b6022426b38936c43a4ac09635cd78af074e90f42ffa8227ac8b7452d39f89": 217_893},
    "gravel.png": {"c48615b451bf1e606fbd72c0aa9f8cc0f068ab7111ef7d93bb9b0f2586440c12": 194_247},
    "moon.png": {"78739619d11f7eb9c165bb5d2efd4772cee557812ec847532dbb1d92ef71f577": 50_177},
    "rocket.jpg": {"c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c": 112_525},
}
SKLEARN = {
    "china.jpg": {"8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29": 196_653},
    "flower.jpg": {"a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638": 142_987},
}
NAMES = (*SKIMAGE, *SKLEARN)


def read(paths: Mapping[str, Path]) -> Images:
    """All training patches, photograph after photograph, then all test patches.

    Raises UserError for a file that Pillow cannot read.
    """
    train, test = [], []
    for name in NAMES:
        left, right = regions(paths[name])
        train.append(_patches(left, TRAIN, f"photographs/train/{name}"))
        test.append(_patches(right, TEST, f"photographs/test/{name}"))
    x = np.concatenate([*train, *test])[..., None]
    classes = np.arange(len(NAMES))
    return Images(x, np.concatenate([classes.repeat(TRAIN), classes.repeat(TEST)]))


def regions(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """What training may see of a photograph, and what testing may: (height, width) unsigned bytes.

    Raises UserError for a file that Pillow cannot read.
    """
    try:
        with Image.open(path) as image:
            gray = np.asarray(image.convert("L"))
    except OSError as error:
        raise UserError(f"{path} is no image that can be read: {error}") from None
    edge = int(gray.shape[1] * LEFT)
    return gray[:, :edge], gray[:, edge:]


def _patches(gray: np.ndarray, count: int, purpose: str) -> np.ndarray:
    """(count, SIDE, SIDE) at places drawn without regard to what is there."""
    draws = stream(0, purpose)
    rows = draws.integers(0, gray.shape[0] - SIDE + 1, count)
    columns = draws.integers(0, gray.shape[1] - SIDE + 1, count)
    windows = np.lib.stride_tricks.sliding_window_view(gray, (SIDE, SIDE))
    return windows[rows, columns]


DATASET = Dataset(
    name="photographs",
    title="Patches of twelve photographs",
    source="the sample photographs of the packages scikit-image and scikit-learn",
    publisher="their photographers; Stefan van der Walt and others (scikit-image), scikit-learn",
    licence=(
        "those of scikit-image: CC0 or public domain, coins.png without known copyright "
        "restrictions, moon.png without a word of its own in that package; china.jpg "
        "(danielbuechele) and flower.jpg (vultilion): CC BY 2.0"
    ),
    citation=(
        "van der Walt and others (2014), scikit-image: image processing in Python; Pedregosa and "
        "others (2011), Scikit-learn: Machine Learning in Python"
    ),
    files=(
        *(File(n, v, package="skimage", path=f"data/{n}") for n, v in SKIMAGE.items()),
        *(File(n, v, package="sklearn", path=f"datasets/images/{n}") for n, v in SKLEARN.items()),
    ),
    read=read,
    shape=(SIDE, SIDE, 1),
    classes=tuple(Path(name).stem for name in NAMES),
    train=TRAIN * len(NAMES),
    test=TEST * len(NAMES),
    split="published",
    provider="the packages scikit-image and scikit-learn in the versions of constraints.txt",
)
