"""How a screen looks: size, colours, type, shapes, all drawn from a few numbers.

Owns: the kinds of devices, the custom properties of ``style.css``. Does not own: what stands on the
screen (``apps``), what is around it (``frames``).

    rng -> Device, Look -> properties() -> ":root { ... }", classes of the body
"""

import colorsys
from dataclasses import dataclass

import numpy as np

from qvl.geometry import FACTOR, ImageSize

_FONTS = (
    "Roboto", "Open Sans", "Lato", "Liberation Sans", "DejaVu Sans", "Noto Sans", "Carlito",
    "Inter", "Cantarell", "Cabin", "IBM Plex Sans", "Liberation Serif", "FreeSans",
)  # fmt: skip
_FONT_SHARES = (6, 4, 3, 4, 2, 3, 2, 6, 2, 1, 2, 0.6, 1)
"""Families that a page may name; one that is not installed is replaced by the system's own."""

_DESKTOPS = ((728, 1288), (784, 1372), (868, 1540), (700, 1120), (644, 1036), (756, 1344))
"""Near 1280 x 720, 1366 x 768, 1536 x 864 ...: the nearest sides that are multiples of 28."""

_PHONES = (
    (784, 364, 1), (812, 392, 1), (896, 420, 1), (784, 364, 2), (798, 378, 2), (868, 406, 2),
)  # fmt: skip
"""CSS pixels and device pixels per CSS pixel, so that the sides in device pixels are multiples of
28."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    """The screen a page is shown on.

    Attributes:
        size: in CSS pixels.
        scale: device pixels per CSS pixel.
        is_mobile: a touchscreen with a status bar, else a mouse and a keyboard.
    """

    size: ImageSize
    scale: int = 1
    is_mobile: bool = False

    def __post_init__(self) -> None:
        assert all(side * self.scale % FACTOR == 0 for side in self.size), self


def random_device(rng: np.random.Generator, *, mobile: float = 0.5, sharp: float = 0.5) -> Device:
    """Returns a screen.

    Args:
        rng: source of randomness.
        mobile: share of phones.
        sharp: share of phones with two device pixels per CSS pixel.
    """
    if rng.random() < mobile:
        wanted = 2 if rng.random() < sharp else 1
        fitting = [phone for phone in _PHONES if phone[2] == wanted]
        height, width, scale = fitting[int(rng.integers(len(fitting)))]
        return Device(size=ImageSize(height, width), scale=scale, is_mobile=True)
    height, width = _DESKTOPS[int(rng.integers(len(_DESKTOPS)))]
    return Device(size=ImageSize(height, width))


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """One design. Everything a page may vary without a change of its content.

    Attributes:
        is_dark: light text on a dark ground.
        hue: of the accent, 0 to 1.
        font: family.
        size_px: of the text.
        radius_px: of corners.
        pad_px: around content.
        bar: "plain", "accent" or "tinted".
        classes: of the body; variants of ``style.css``.
        numbers: other choices, 0 to 1.
    """

    is_dark: bool
    hue: float
    font: str
    size_px: int
    radius_px: int
    pad_px: int
    bar: str
    classes: tuple[str, ...]
    numbers: tuple[float, ...]


def random_look(rng: np.random.Generator, device: Device) -> Look:
    """Returns a design for a device."""
    shares = np.array(_FONT_SHARES) / sum(_FONT_SHARES)
    classes = [
        _one(rng, ("s-border", "s-shadow", "s-flat"), (4, 4, 2)),
        _one(rng, ("f-outline", "f-filled", "f-line"), (6, 2, 2)),
        _one(rng, ("s-lines", "s-pills"), (6, 4)),
        _one(rng, ("s-calm", "s-upper", "s-raised", "s-outline"), (6, 1, 2, 1)),
        _one(rng, ("s-even", "s-stripes"), (6, 4)),
        _one(rng, ("s-bare", "s-underlined"), (7, 3)),
    ]
    return Look(
        is_dark=bool(rng.random() < 0.28),
        hue=float(rng.random()),
        font=_FONTS[int(rng.choice(len(_FONTS), p=shares))],
        size_px=int(rng.integers(14, 17) if device.is_mobile else rng.integers(13, 16)),
        radius_px=int(rng.choice((0, 3, 4, 6, 8, 10, 14, 20))),
        pad_px=int(rng.integers(10, 19)),
        bar=_one(rng, ("plain", "accent", "tinted"), (5, 3, 2)),
        classes=tuple(classes),
        numbers=tuple(float(value) for value in rng.random(6)),
    )


def properties(look: Look) -> str:
    """Returns the custom properties that ``style.css`` reads."""
    dark, hue, n = look.is_dark, look.hue, look.numbers
    tone = 0.04 + 0.10 * n[0]  # how much of the accent is in the greys
    accent_light = 0.38 + 0.14 * n[1] if not dark else 0.52 + 0.12 * n[1]
    accent = hsl(hue, 0.45 + 0.4 * n[2], accent_light)
    light_accent = _luminance(hue, 0.45 + 0.4 * n[2], accent_light) > 0.45
    grey = (
        (lambda level: hsl(hue, tone, 1 - level * 0.92))
        if dark
        else (lambda level: hsl(hue, tone, level))
    )
    back, surface = (0.975 - 0.03 * n[3], 1.0) if not dark else (0.985, 0.945)
    radius = look.radius_px
    bar = {
        "plain": (grey(surface), grey(0.12)),
        "accent": (accent, "#111" if light_accent else "#fff"),
        "tinted": (hsl(hue, 0.3, 0.2 if dark else 0.92), grey(0.1)),
    }[look.bar]
    values = {
        "font": f'"{look.font}", sans-serif', "size": f"{look.size_px}px",
        "ink": grey(0.12), "soft": grey(0.28), "muted": grey(0.42), "faint": grey(0.58),
        "back": grey(back), "surface": grey(surface), "sunken": grey(0.94 if not dark else 0.9),
        "field": grey(1.0 if not dark else 0.97),
        "side-back": grey(back - (0.01 if n[4] > 0.5 else 0)),
        "line": grey(0.88 if not dark else 0.82), "line-strong": grey(0.76 if not dark else 0.66),
        "accent": accent, "on-accent": "#111" if light_accent else "#fff",
        "accent-ink": hsl(hue, 0.6, 0.34 if not dark else 0.72),
        "tint": hsl(hue, 0.5, 0.92 if not dark else 0.22),
        "good": "#15803d" if not dark else "#6ee7a0",
        "good-tint": "#dcf5e3" if not dark else "#12341f",
        "bad": "#c62828" if not dark else "#ef6b6b",
        "bad-tint": "#fbe1e1" if not dark else "#401818",
        "warn": "#9a5b00" if not dark else "#f3c04f",
        "warn-tint": "#fdf0d0" if not dark else "#3d2e0c",
        "toast": grey(0.15), "toast-ink": grey(1.0), "knob": "#fff",
        "bar": bar[0], "bar-ink": bar[1],
        "radius": f"{radius}px", "radius-f": f"{min(radius, 10)}px",
        "radius-s": f"{min(radius, 6)}px",
        "radius-c": f"{min(radius, 16)}px", "radius-m": f"{min(radius, 10)}px",
        "radius-i": "50%" if radius >= 8 else f"{radius}px",
        "radius-face": "50%" if n[5] < 0.75 else f"{radius}px",
        "pad": f"{look.pad_px}px", "gap": f"{max(8, look.pad_px - 3)}px",
        "side": f"{190 + round(60 * n[4])}px", "hit": f"{2.3 + 0.5 * n[3]:.2f}em",
        "btn-y": f"{0.4 + 0.25 * n[5]:.2f}em", "btn-x": f"{0.9 + 0.5 * n[1]:.2f}em",
        "heavy": "600" if n[2] < 0.6 else "700", "stroke": f"{1.5 + 0.8 * n[0]:.2f}",
        "cap": "round" if n[1] < 0.7 else "square",
        "wall": f"linear-gradient({round(360 * n[0])}deg, {hsl(hue + 0.1, 0.45, 0.24)}, "
        f"{hsl(hue + 0.35 * n[3], 0.5, 0.52)})",
        "chrome": "#dfe3e8" if not dark else "#202326",
        "chrome-on": "#fbfcfd" if not dark else "#33373b",
        "chrome-ink": "#30353a" if not dark else "#dadde0", "task": hsl(hue, 0.25, 0.14),
    }  # fmt: skip
    return ":root{" + "".join(f"--{name}:{value};" for name, value in values.items()) + "}"


def hsl(hue: float, saturation: float, lightness: float) -> str:
    """Returns a colour of CSS; all three 0 to 1, the hue may be more.

    >>> hsl(0.0, 1.0, 0.5)
    '#ff0000'
    """
    values = colorsys.hls_to_rgb(hue % 1, min(max(lightness, 0), 1), min(max(saturation, 0), 1))
    return "#" + "".join(f"{round(255 * value):02x}" for value in values)


def _luminance(hue: float, saturation: float, lightness: float) -> float:
    """Perceived brightness, 0 to 1. Source: ITU-R BT.601 luma weights."""
    r, g, b = colorsys.hls_to_rgb(hue, lightness, saturation)
    return 0.299 * r + 0.587 * g + 0.114 * b


def _one(rng: np.random.Generator, names: tuple[str, ...], shares: tuple[float, ...]) -> str:
    return names[int(rng.choice(len(names), p=np.array(shares) / sum(shares)))]
