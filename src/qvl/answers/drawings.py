"""Writes drawings to files: pixels in any format Pillow writes, or SVG.

Owns: the check of a target before the work, and atomic writing. Does not own: what is drawn.
"""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import PIL.Image

from qvl.answers.files import write_bytes, write_text
from qvl.errors import InputError
from qvl.geometry import ImageSize
from qvl.tasks import draw_svg
from qvl.tasks.draw import paint
from qvl.tasks.marks import Mark, Scene, layout

_FORMATS = {
    ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".tif": "TIFF",
    ".tiff": "TIFF", ".bmp": "BMP", ".gif": "GIF",
}  # fmt: skip
"""Endings of pictures and Pillow's names of their formats."""


def check_drawing_path(path: str | Path) -> Path:
    """Returns the path of a drawing that can be written there.

    Raises:
        InputError: an ending that names no format, or a folder that does not exist.
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix != ".svg" and suffix not in _FORMATS:
        raise InputError(
            f"cannot draw a {suffix or 'file without ending'}, expected .png, .jpg or .svg"
        )
    if target.is_dir() or str(path).endswith("/"):
        raise InputError(f"{path} is a folder, expected a file")
    if not target.parent.is_dir():
        raise InputError(f"folder {target.parent} of {target.name} does not exist")
    return target


def save_marks(path: str | Path, picture: PIL.Image.Image, marks: Sequence[Mark]) -> None:
    """Writes a picture with marks on it; see `save_scene`."""
    save_scene(path, picture, layout(ImageSize(picture.height, picture.width), marks))


def save_scene(path: str | Path, picture: PIL.Image.Image, scene: Scene) -> None:
    """Writes a picture with a scene on it, as SVG when the name ends so.

    Raises:
        InputError: the file cannot be written.
    """
    target = check_drawing_path(path)
    if target.suffix.lower() == ".svg":
        write_text(target, draw_svg.write(scene, picture))
    else:
        save_picture(target, paint(picture, scene))


def save_picture(path: str | Path, picture: PIL.Image.Image) -> None:
    """Writes a finished picture.

    Raises:
        InputError: the file cannot be written.
    """
    target = check_drawing_path(path)
    if target.suffix.lower() == ".svg":
        raise InputError(f"{target.name} would hold a picture, expected .png or .jpg")
    contents = BytesIO()
    picture.save(contents, _FORMATS[target.suffix.lower()])
    write_bytes(target, contents.getvalue())


def save_svg(path: str | Path, document: str) -> None:
    """Writes a finished SVG document.

    Raises:
        InputError: the file cannot be written.
    """
    target = check_drawing_path(path)
    if target.suffix.lower() != ".svg":
        raise InputError(f"{target.name} would hold SVG, expected .svg")
    write_text(target, document)
