"""What a picture is like, in numbers: whether there is anything to see in it.

Owns: sharpness, the information in a picture, a signature of it. Does not own: how much is enough
(``cleaning``, ``first_pass``).

    pixels -> look() -> Look(contrast, sharpness, entropy, edges)
"""

import hashlib
import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import PIL.Image

from qvl.geometry import ImageSize
from qvl.processing.image import load_image, measure_size

_LONGEST_PX = 384  # sharpness depends on the size at which it is measured
_EDGE = 24.0  # of 255: a step between neighbours that an eye takes for a border
_LEVELS = 32


class Look(NamedTuple):
    """What is to be seen in a picture."""

    contrast: float
    """Standard deviation of its grey values, 0 to 127.5."""
    sharpness: float
    """Variance of the Laplacian. Source: Pech-Pacheco et al., "Diatom autofocusing in brightfield
    microscopy" (2000), LAPV."""
    entropy: float
    """Bits of its grey values in 32 levels, 0 to 5."""
    edges: float
    """Share of the pixels at a border."""


def look(source: Any) -> Look:
    """Returns what is to be seen in a picture, measured at a longest side of 384 px.

    Raises:
        InputError: it cannot be read.
    """
    grey = load_image(source).convert("L")
    scale = _LONGEST_PX / max(grey.size)
    if scale < 1:
        size = (max(3, round(grey.width * scale)), max(3, round(grey.height * scale)))
        grey = grey.resize(size, PIL.Image.Resampling.BOX)
    values = np.asarray(grey, np.float32)
    if min(values.shape) < 3:
        return Look(float(values.std()), 0.0, 0.0, 0.0)
    middle = values[1:-1, 1:-1]
    across = values[1:-1, :-2] + values[1:-1, 2:]
    along = values[:-2, 1:-1] + values[2:, 1:-1]
    laplacian = across + along - 4 * middle
    step_x, step_y = np.abs(np.diff(values, axis=1)), np.abs(np.diff(values, axis=0))
    edges = (step_x[:-1] > _EDGE) | (step_y[:, :-1] > _EDGE)
    shares = np.bincount((values / (256 / _LEVELS)).astype(np.int64).ravel(), minlength=_LEVELS)
    probable = shares[shares > 0] / values.size
    return Look(
        contrast=float(values.std()),
        sharpness=float(laplacian.var()),
        entropy=float(-(probable * np.log2(probable)).sum()) + 0.0,
        edges=float(edges.mean()),
    )


def size_of(source: Any) -> ImageSize:
    """Returns the size of a picture in original_px, from its header.

    Raises:
        InputError: it cannot be read.
    """
    return measure_size(source)


def signature(source: Any) -> str:
    """Returns a hash that is the same for pictures that look the same at 9 x 8 pixels.

    Source: Krawetz, "Kind of Like That" (2013), dHash: whether each pixel is darker than the next.

    Raises:
        InputError: it cannot be read.
    """
    small = load_image(source).convert("L").resize((9, 8), PIL.Image.Resampling.BOX)
    values = np.asarray(small, np.int16)
    bits = np.packbits(values[:, 1:] > values[:, :-1])
    mean = int(values.mean()) // 32  # plain pictures have no differences
    return f"{bits.tobytes().hex()}{mean}"


def name_of(source: Any) -> str:
    """Returns what a picture is called: what its page says, the name of a file, "" for pixels.

    Folders of a file are no part of it: they tell where a user keeps data.

    >>> name_of("img/logo.png"), name_of(Path("/silicon/a.png")), name_of(b"...")
    ('img/logo.png', 'a.png', '')
    """
    if isinstance(source, str):
        return source[:64] if source.startswith("data:") else source
    return source.name if isinstance(source, Path) else ""


def identity(source: Any) -> str:
    """Returns what tells a picture from others without decoding it: its name, or its bytes.

    >>> identity("a.png") == identity("a.png"), identity(b"1") == identity(b"2")
    (True, False)
    """
    if isinstance(source, str | Path):
        return str(source)
    data = source if isinstance(source, bytes) else np.ascontiguousarray(source).tobytes()
    return hashlib.sha256(data).hexdigest()


def information(found: Look) -> float:
    """Returns how much there is to see, 0 (a plain surface) to 1 (a rich photograph).

    Entropy and edges are each scaled by what photographs of people and streets have, about 4 bits
    and 15 % of pixels, and multiplied: noise has edges, a gradient has entropy, both tell nothing.

    >>> information(Look(0.0, 0.0, 0.0, 0.0))
    0.0
    """
    return math.sqrt(min(1.0, found.entropy / 4) * min(1.0, found.edges / 0.15))
