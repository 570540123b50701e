"""Which typefaces to draw with: everyday families for training, other families kept for evaluation.

A family is in one split for good, so a score on held-out fonts is a score on shapes never trained
on.
"""

from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

from qvl.data.synth.words import Split
from qvl.errors import MissingDependencyError

_FOLDERS = (
    Path("/usr/share/fonts"),
    Path("/usr/local/share/fonts"),
    Path("/Library/Fonts"),
    Path("/System/Library/Fonts"),
    Path("C:/Windows/Fonts"),
)

FAMILIES: dict[Split, tuple[str, ...]] = {
    "train": (
        "DejaVuSans", "LiberationSans-Regular", "Roboto-Regular", "OpenSans-Regular",
        "LiberationSerif-Regular", "LiberationSans-Bold", "DejaVuSans-Bold", "NotoSans-Regular",
        "Carlito-Regular", "LiberationMono-Regular",
        "DejaVuSansMono", "DejaVuSerif", "DejaVuSerif-Bold", "LiberationSans-Italic",
        "LiberationSerif-Bold", "LiberationSansNarrow-Regular", "Carlito-Bold", "Caladea-Regular",
        "Roboto-Medium", "Roboto-Bold", "OpenSans-Bold", "OpenSans-Semibold",
        "Lato-Regular", "Lato-Bold", "NotoSans-Bold", "NotoSerif-Regular", "NotoSerif-Bold",
        "FreeSans", "FreeSerif", "FreeSansBold",
        "IBMPlexSans-Regular", "IBMPlexSans-Bold", "IBMPlexSerif-Regular",
        "Courier Prime", "Hack-Regular",
    ),
    "heldout": (
        "Inter-Regular", "Inter-SemiBold", "Cantarell-Regular", "Cantarell-Bold",
        "Cabin-Regular", "Cabin-Bold", "LinLibertine_R", "LinLibertine_RB",
        "LinBiolinum_R", "JetBrainsMono-Regular", "FiraCode-Regular", "EBGaramond12-Regular",
    ),
}  # fmt: skip
"""File stems, the most common first. Debian: fonts-dejavu fonts-liberation fonts-crosextra-carlito
fonts-crosextra-caladea fonts-roboto fonts-open-sans fonts-lato fonts-noto-core fonts-freefont-ttf
fonts-ibm-plex fonts-courier-prime fonts-hack, and for evaluation fonts-inter fonts-cantarell
fonts-cabin fonts-linuxlibertine fonts-jetbrains-mono fonts-firacode fonts-ebgaramond."""

_FEWEST = 4


@lru_cache(maxsize=1)
def _installed() -> dict[str, Path]:
    """The files of all installed fonts by their stems."""
    return {
        path.stem: path
        for folder in _FOLDERS
        if folder.is_dir()
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in (".ttf", ".otf", ".ttc")
    }


def font_named(stem: str) -> Path | None:
    """Returns the installed file of this stem, such as "NotoColorEmoji", or None."""
    return _installed().get(stem)


@lru_cache
def font_files(split: Split) -> tuple[Path, ...]:
    """Returns the installed files of a split, in the order of `FAMILIES`.

    Raises:
        MissingDependencyError: fewer than four of them are installed.
    """
    installed = _installed()
    found = tuple(installed[stem] for stem in FAMILIES[split] if stem in installed)
    if len(found) < _FEWEST:
        raise MissingDependencyError(
            f"drawing text needs at least {_FEWEST} of the {split} fonts, found {len(found)}",
            hint="on Debian: apt-get install fonts-dejavu fonts-liberation fonts-roboto "
            "fonts-inter fonts-cantarell fonts-cabin",
        )
    return found


class Font:
    """A typeface at a size, with its character widths remembered."""

    def __init__(self, path: Path, size_px: int) -> None:
        self.face = ImageFont.truetype(str(path), size_px, layout_engine=ImageFont.Layout.BASIC)
        self.size_px = size_px
        self.ascent, self.descent = self.face.getmetrics()
        self._widths: dict[str, float] = {}

    def width(self, character: str) -> float:
        """Returns the advance of one character in pixels."""
        width = self._widths.get(character)
        if width is None:
            width = self._widths[character] = float(self.face.getlength(character))
        return width

    def length(self, text: str) -> float:
        """Returns the advance of a text in pixels, kerning left out."""
        return sum(map(self.width, text))


@lru_cache(maxsize=4096)
def load_font(path: Path, size_px: int) -> Font:
    """Returns a font, opened once per size."""
    return Font(path, size_px)
