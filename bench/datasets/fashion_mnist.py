"""Fashion-MNIST: 60,000 and 10,000 articles of clothing of 28 x 28 pixels.

By Xiao, Rasul and Vollgraf (Zalando Research), in MNIST's format and harder. Licence and citation:
see DATASET.

Debian's package dataset-fashion-mnist installs the four files, recompressed: unpacked, they are the
publisher's byte for byte. Elsewhere they are downloaded (31 MB). Used at the extended budget by
the deck's LeNet, as more and harder images. The publisher's split is kept.
"""

from bench import idx
from bench.dataset import Dataset, File

MIRRORS = (
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
    "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion",
)
DEBIAN = "/usr/share/datasets/fashion-mnist"
# The publisher's file first, then Debian's.
VERSIONS = {
    "train-images-idx3": {
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84": 26_421_880,
        "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7": 26_421_856,
    },
    "train-labels-idx1": {
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845": 29_515,
        "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056": 29_491,
    },
    "t10k-images-idx3": {
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073": 4_422_102,
        "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa": 4_422_079,
    },
    "t10k-labels-idx1": {
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5": 5_148,
        "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05": 5_125,
    },
}


def file(part: str) -> File:
    name = f"{part}-ubyte.gz"
    urls = tuple(f"{mirror}/{name}" for mirror in MIRRORS)
    return File(name, VERSIONS[part], system=f"{DEBIAN}/{name}", urls=urls)


DATASET = Dataset(
    name="fashion_mnist",
    title="Fashion-MNIST",
    source="Zalando Research; packaged by Debian as dataset-fashion-mnist",
    publisher="Han Xiao, Kashif Rasul and Roland Vollgraf, Zalando Research",
    licence="MIT",
    citation="Xiao, Rasul and Vollgraf (2017), Fashion-MNIST, arXiv:1708.07747",
    files=tuple(file(part) for part in VERSIONS),
    read=idx.read_images,
    shape=(28, 28, 1),
    classes=(
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
    train=60_000,
    test=10_000,
    split="published",
    provider="Debian's package dataset-fashion-mnist",
)
