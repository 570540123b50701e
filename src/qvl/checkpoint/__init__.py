"""Published model folders: finding (``hub``), reading (``load``) and writing (``export``) them.

Importing this package costs no torch; the tiny model that ships with it lives in :data:`EMBEDDED`.
"""

from pathlib import Path

EMBEDDED = Path(__file__).parent / "embedded"
"""Folder of the tiny model that ships with the package, in the published layout."""
