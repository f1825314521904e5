"""MNIST: 60,000 and 10,000 handwritten digits of 28 x 28 pixels. Downloaded (12 MB).

By LeCun, Cortes and Burges, from forms that NIST collected among census employees and pupils.
Licence and citation: see DATASET. Its first home no longer serves it reliably; two mirrors do.

No claim trains on it yet: a claim names it where mnist5k, a sample of it, is too small. The
publisher's split is kept.
"""

from bench import idx
from bench.dataset import Dataset, File

MIRRORS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist",
    "https://ossci-datasets.s3.amazonaws.com/mnist",
)
VERSIONS = {
    "train-images-idx3": {
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609": 9_912_422
    },
    "train-labels-idx1": {
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c": 28_881
    },
    "t10k-images-idx3": {
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6": 1_648_877
    },
    "t10k-labels-idx1": {"f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6": 4_542},
}


def file(part: str) -> File:
    name = f"{part}-ubyte.gz"
    return File(name, VERSIONS[part], urls=tuple(f"{mirror}/{name}" for mirror in MIRRORS))


DATASET = Dataset(
    name="mnist",
    title="MNIST",
    source="mirrors of the Common Visual Data Foundation and of PyTorch",
    publisher="Yann LeCun, Corinna Cortes and Christopher Burges",
    licence="CC BY-SA 3.0",
    citation=(
        "LeCun, Bottou, Bengio and Haffner (1998), Gradient-based learning applied to document "
        "recognition"
    ),
    files=tuple(file(part) for part in VERSIONS),
    read=idx.read_images,
    shape=(28, 28, 1),
    classes=tuple("0123456789"),
    train=60_000,
    test=10_000,
    split="published",
)
