"""How the browser of an agent looks, and what its pages may do.

Owns: names, defaults and checks. Does not own: keeping to them (``window``, ``tabs``, ``gate``).
"""

from dataclasses import dataclass
from pathlib import Path

from qvl.errors import InputError
from qvl.geometry import ImageSize

DESKTOP = ImageSize(800, 1280)
MOBILE = ImageSize(915, 412)
"""CSS pixels of a common mobile device. Source: Playwright's list of devices, Pixel 7."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BrowserOptions:
    """How the browser looks and what its pages may do."""

    allow: tuple[str, ...] = ()
    """Sites beside the first one, as `parse_sites` reads them. Pages reach no others."""
    mobile: bool = False
    """A touchscreen of a mobile device instead of a desktop window."""
    viewport: ImageSize | None = None
    """Size of a page in CSS pixels; None for a usual one."""
    device_scale_factor: float | None = None
    """Pixels of the screenshot per CSS pixel; None for 1, and for 2 on a mobile device."""
    accept_dialogs: bool = False
    """Answer OK to what a page asks in a dialog; otherwise Cancel. Alerts are always closed."""
    downloads: Path | None = None
    """Folder for files that pages offer; None refuses them."""
    executable_path: str | None = None
    """The browser; None looks for one."""
    headless: bool = True
    """Without a visible window."""
    action_seconds: float = 10.0
    """How long one action, or one screenshot, may take."""
    load_seconds: float = 30.0
    """How long the first page may take to load."""
    settle_seconds: float = 5.0
    """How long a page may take to load after an action before it is looked at as it is."""

    def __post_init__(self) -> None:
        for name in ("action_seconds", "load_seconds", "settle_seconds", "device_scale_factor"):
            value = getattr(self, name)
            if value is not None and not 0 < value < 3600:
                raise InputError(f"{name} is {value}, expected a number above 0")
        if self.downloads is not None and not Path(self.downloads).is_dir():
            raise InputError(f"folder {self.downloads} for downloads does not exist")
