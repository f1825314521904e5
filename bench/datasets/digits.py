"""1,797 handwritten digits of 8 x 8 pixels, as bundled with the package scikit-learn.

By Alpaydin and Kaynak: forms filled in by 43 people (these are the 13 of the test part), the ink
counted in blocks of 4 x 4 pixels, so that a pixel goes from 0 to 16 and not to 255. Licence and
citation: see DATASET.

The smallest real data here, for what must run in seconds, and digits of another origin than MNIST.
1,437 are trained on and 360 held out, drawn anew by every seed.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bench.dataset import Dataset, File, Images

FILE = "digits.csv.gz"


def read(paths: Mapping[str, Path]) -> Images:
    """A line an image: 64 pixels in row-major order, then the digit."""
    table = np.loadtxt(paths[FILE], delimiter=",").astype(np.int64)
    return Images(table[:, :-1].reshape(-1, 8, 8, 1).astype(np.uint8), table[:, -1])


DATASET = Dataset(
    name="digits",
    title="Optical recognition of handwritten digits, test part",
    source="the UCI machine learning repository, bundled with the package scikit-learn",
    publisher="Ethem Alpaydin and Cenk Kaynak, Bogazici University",
    licence="data: CC BY 4.0; scikit-learn: BSD-3-Clause",
    citation="Alpaydin and Kaynak (1998), Optical Recognition of Handwritten Digits, UCI",
    files=(
        File(
            FILE,
            {"09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22": 57_523},
            package="sklearn",
            path=f"datasets/data/{FILE}",
        ),
    ),
    read=read,
    shape=(8, 8, 1),
    classes=tuple("0123456789"),
    train=1437,
    test=360,
    split="seed",
    largest=16,
    provider="the package scikit-learn in the version of constraints.txt",
)
