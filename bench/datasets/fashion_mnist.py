"""Fashion-MNIST: 60,000 and 10,000 articles of clothing of 28 x 28 pixels.

Debian's package dataset-fashion-mnist installs the four files, recompressed; otherwise they are
downloaded (31 MB).
"""

from bench import idx
from bench.dataset import Dataset, File

PUBLISHER = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"
DEBIAN = "/usr/share/datasets/fashion-mnist"
# The publisher's digest first, then that of Debian's recompressed file.
SHA256 = {
    "train-images": (
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7",
    ),
    "train-labels": (
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056",
    ),
    "t10k-images": (
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa",
    ),
    "t10k-labels": (
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05",
    ),
}


def file(part: str) -> File:
    name = f"{part}-idx{3 if part.endswith('images') else 1}-ubyte.gz"
    return File(name, SHA256[part], system=f"{DEBIAN}/{name}", urls=(f"{PUBLISHER}/{name}",))


DATASET = Dataset(
    name="fashion_mnist",
    title="Fashion-MNIST",
    source="Zalando Research; packaged by Debian as dataset-fashion-mnist",
    licence="MIT",
    citation="Xiao, Rasul and Vollgraf (2017), Fashion-MNIST, arXiv:1708.07747",
    files=tuple(file(part) for part in SHA256),
    read=idx.read_images,
    shape=(28, 28, 1),
    classes=(
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
    train=60_000,
    test=10_000,
    split="published",
    remedy="install Debian's package dataset-fashion-mnist, or try again with a network",
)
