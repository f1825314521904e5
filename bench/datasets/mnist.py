"""MNIST: 60,000 and 10,000 handwritten digits of 28 x 28 pixels. Downloaded (12 MB)."""

from bench import idx
from bench.dataset import Dataset, File

MIRRORS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist",
    "https://ossci-datasets.s3.amazonaws.com/mnist",
)
SHA256 = {
    "train-images": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}


def file(part: str) -> File:
    name = f"{part}-idx{3 if part.endswith('images') else 1}-ubyte.gz"
    return File(name, (SHA256[part],), urls=tuple(f"{mirror}/{name}" for mirror in MIRRORS))


DATASET = Dataset(
    name="mnist",
    title="MNIST",
    source="LeCun, Cortes and Burges; mirrored by the Common Visual Data Foundation and PyTorch",
    licence="CC BY-SA 3.0",
    citation=(
        "LeCun, Bottou, Bengio and Haffner (1998), Gradient-based learning applied to document "
        "recognition"
    ),
    files=tuple(file(part) for part in SHA256),
    read=idx.read_images,
    shape=(28, 28, 1),
    classes=tuple("0123456789"),
    train=60_000,
    test=10_000,
    split="published",
)
