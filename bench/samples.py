"""Pictures among a run's series: what a net was shown, what is true, what it found.

A row of a series is a picture, its pixels as bytes, compressed and in base64, so that a few scenes
stay a few kilobytes beside the numbers. `kind` is what the bytes are:

    image     gray or red, green and blue, 0 to 1: (height, width), (height, width, 1 or 3)
    classes   the number of a class at every pixel: (height, width)
    heat      a quantity from 0 to `top`: (height, width)

bench/report/pictures.py draws them.
"""

import base64
import zlib
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from bench.errors import UserError

Kind = Literal["image", "classes", "heat"]
MOST = 255  # of a byte


def picture(
    scene: int, column: str, kind: Kind, values: np.ndarray, top: float = 1.0
) -> dict[str, float | str]:
    """The row of one picture: `scene` is where it stands from above, `column` its heading.

    What lies outside of 0 to `top` is cut off, and not-a-number is 0: a diverged net has a picture
    too. Raises UserError for values of another shape, and for what is no number of a class.
    """
    array = values[..., 0] if values.ndim == 3 and values.shape[-1] == 1 else values
    colored = kind == "image" and array.ndim == 3 and array.shape[-1] == 3
    if array.size == 0 or (array.ndim != 2 and not colored):
        raise UserError(f"a picture of kind {kind} cannot be of size {values.shape}")
    if kind != "classes":
        array = np.rint(np.clip(np.nan_to_num(array / top, nan=0.0), 0, 1) * MOST)
    elif not np.issubdtype(array.dtype, np.integer) or array.min() < 0 or array.max() > MOST:
        raise UserError(
            f"classes are whole numbers from 0 to {MOST}, the picture's are {array.dtype} from "
            f"{array.min()} to {array.max()}"
        )
    pixels = zlib.compress(array.astype(np.uint8).tobytes(), 9)
    return {
        "scene": scene,
        "column": column,
        "kind": kind,
        "height": array.shape[0],
        "width": array.shape[1],
        "top": top,
        "pixels": base64.b64encode(pixels).decode(),
    }


def pixels(row: Mapping[str, Any]) -> np.ndarray:
    """The bytes of a row's picture, uint8 (height, width), or (height, width, 3) of colors."""
    found = np.frombuffer(zlib.decompress(base64.b64decode(row["pixels"])), np.uint8)
    size = int(row["height"]), int(row["width"])
    return found.reshape(size if found.size == size[0] * size[1] else (*size, 3))
