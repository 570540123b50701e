"""Icons drawn with a few strokes: what each shows, so that it can be named.

Owns: the drawings (``icons.txt``) and their names. Does not own: what an icon does (``widgets``).

    "trash" -> icon() -> inline SVG;   "trash" -> SHOWS -> "trash can"
"""

from pathlib import Path

from qvl.data.synth.agent.markup import Html

_DRAWN: dict[str, tuple[str, str]] = {
    name: (shows, path)
    for name, shows, path in (
        line.split(" | ")
        for line in Path(__file__).with_name("icons.txt").read_text("utf-8").splitlines()
    )
}
"""Name -> what it shows, and its strokes as an SVG path on 24 x 24; a line each in the file."""

SHOWS: dict[str, str] = {name: shows for name, (shows, _) in _DRAWN.items()}
"""What a person sees who does not know what the icon means."""


def icon(name: str, size: int = 20, *, class_: str = "icon") -> Html:
    """Returns an icon as inline SVG in the colour of the text around it.

    Args:
        name: one of `SHOWS`.
        size: of its square, in CSS pixels.
        class_: for styles.
    """
    return Html(
        f'<svg class="{class_}" width="{size}" height="{size}" viewBox="0 0 24 24" '
        f'aria-hidden="true"><path d="{_DRAWN[name][1]}"/></svg>'
    )
