"""Synthetic aerial tiles in color and height: grass, roads, buildings and trees, seen from above.

    x (side, side, 4)   red, green and blue from 0 to 1, height in meters, each with noise
    y                   0 grass, 1 road, 2 building, 3 tree

    grass      green, the ground: a slope of up to a meter
    road       gray, the ground; one or two bands across the tile
    building   a turned rectangle with a flat roof, 3 to 9 m high: gray, as far from the road's as
               `color_distance` says
    tree       a disc, domed by half of its height: green, as far from the grass's

Neither modality tells all classes apart by itself. Color has a pair that looks alike, road and
roof, grass and crown; so has height: grass and road, and building and tree, of which trees are
3 to 9 m high where `height_overlap` is 1, and 9 to 15 m where it is 0. What is gained by having
both is put in by these two, so that a claim sweeps them. Form remains: a round green thing is a
tree.

After the tiles of the 2015 data fusion contest of the IEEE Geoscience and Remote Sensing Society,
color and LiDAR of Zeebruges: Campos-Taberner and others (2016), "Processing of extremely
high-resolution LiDAR and RGB data".
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from bench import ranges, scenes
from bench.dataset import Prepared
from bench.ledger import DATA, LEDGER
from bench.randomness import stream
from bench.ranges import NOT_NEGATIVE, Range

CLASSES = ("grass", "road", "building", "tree")
MODALITIES = {"rgb": slice(0, 3), "height": slice(3, 4), "both": slice(0, 4)}
SMALLEST = 16
GRASS, ROAD = np.array([0.33, 0.46, 0.27]), np.array([0.46, 0.46, 0.48])
# Directions in which roofs differ from roads and crowns from grass, of length 1: red, dark green.
ROOF, CROWN = np.array([0.8, -0.36, -0.48]), np.array([-0.6, -0.64, -0.48])
DISTANCES = Range(0, 0.4)  # further, a channel would leave 0 to 1
OVERLAPS = Range(0, 1)
HEIGHTS = (3.0, 9.0)  # of buildings, in meters
SLOPE = 1.0  # meters across the tile
SHADE = 0.03  # deviation of the brightness from object to object
GRAIN = 0.05  # and of every channel from pixel to pixel
DITHER = 1e-2  # meters: a height without noise would be flat
MOST = {"road": 2, "building": 4, "tree": 7}
FEWEST = {"road": 1, "building": 2, "tree": 3}


@LEDGER.counted(DATA)
def prepare(
    seed: int,
    train: int,
    test: int,
    side: int = 48,
    color_distance: float = 0.04,
    height_overlap: float = 1.0,
    height_noise: float = 0.1,
) -> Prepared:
    """height_noise: its deviation in meters. Raises UserError for less than one tile, for a side
    below 16, and for a number that is out of its range."""
    scenes.check(train, test, side, SMALLEST)
    settings = {
        "color_distance": ranges.number("color_distance", color_distance, DISTANCES),
        "height_overlap": ranges.number("height_overlap", height_overlap, OVERLAPS),
        "height_noise": ranges.number("height_noise", height_noise, NOT_NEGATIVE),
    }
    parts = [
        _tiles(lambda what, part=part: stream(seed, f"aerial/{part}/{what}"), count, side, settings)
        for part, count in (("train", train), ("test", test))
    ]
    return scenes.normalized("aerial", CLASSES, parts[0], parts[1], {"side": side, **settings})


def seen(data: Prepared, modality: str) -> Prepared:
    """The same tiles by one modality or both. Raises UserError for an unknown one."""
    channels = MODALITIES[ranges.choice("modality", modality, MODALITIES)]
    return replace(data, train_x=data.train_x[..., channels], test_x=data.test_x[..., channels])


def mismatched(data: Prepared) -> Prepared:
    """A control: every tile with the height of the one before it, the first with the last one's."""
    train, test = (
        np.concatenate([x[..., :3], np.roll(x[..., 3:], 1, axis=0)], axis=-1)
        for x in (data.train_x, data.test_x)
    )
    return replace(data, train_x=train, test_x=test)


def _tiles(
    draws: Callable[[str], np.random.Generator], count: int, side: int, settings: dict[str, float]
) -> scenes.Scenes:
    """draws: the stream of a purpose, so that no setting moves another's numbers."""
    across = (np.arange(side) + 0.5) / side - 0.5  # the tile's own unit: from -1/2 to 1/2
    rows, columns = across[None, :, None], across[None, None, :]
    color = np.broadcast_to(GRASS, (count, side, side, 3)).copy()
    tilt = draws("slope").uniform(-SLOPE / 2, SLOPE / 2, (2, count, 1, 1))
    height = tilt[0] * rows + tilt[1] * columns
    y = np.zeros((count, side, side), np.int64)
    further = settings["color_distance"]
    paints = {"road": ROAD, "building": ROAD + further * ROOF, "tree": GRASS + further * CROWN}
    taller = (HEIGHTS[1] - HEIGHTS[0]) * (1 - settings["height_overlap"])
    for label, kind in enumerate(CLASSES[1:], start=1):
        random = draws(kind)
        number = random.integers(FEWEST[kind], MOST[kind] + 1, count)
        for index in range(MOST[kind]):
            u = random.random((8, count, 1, 1))
            inside, dome = _form(kind, rows, columns, u)
            inside &= (index < number)[:, None, None]
            shade = SHADE * random.normal(size=(count, 1))
            where = inside.nonzero()
            y[where] = label
            color[where] = (paints[kind] + shade)[where[0]]
            if kind != "road":
                low, high = (edge + taller * (kind == "tree") for edge in HEIGHTS)
                height[where] = ((low + (high - low) * u[7]) * dome)[where]
    color += GRAIN * draws("grain").normal(size=color.shape)
    height += settings["height_noise"] * draws("noise").normal(size=height.shape)
    height += DITHER * draws("dither").normal(size=height.shape)
    return np.concatenate([color, height[..., None]], axis=-1), y


def _form(
    kind: str, rows: np.ndarray, columns: np.ndarray, u: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Where one object of every tile lies, and its form from above, 1 at its highest.

    u: numbers from 0 to 1, (8, count, 1, 1); the last one is its height.
    """
    down, right = rows - (u[0] - 0.5), columns - (u[1] - 0.5)
    if kind == "tree":
        radius = 0.05 + 0.07 * u[2]
        square = (down**2 + right**2) / radius**2
        return square < 1, 1 - 0.5 * square
    cosine, sine = np.cos(np.pi * u[2]), np.sin(np.pi * u[2])
    along, aside = cosine * down + sine * right, cosine * right - sine * down
    if kind == "road":
        inside = np.abs(aside) < 0.04 + 0.04 * u[3]
    else:
        inside = (np.abs(along) < 0.08 + 0.1 * u[3]) & (np.abs(aside) < 0.08 + 0.1 * u[4])
    return inside, np.ones(inside.shape)
