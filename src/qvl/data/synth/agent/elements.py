"""What can be seen of a live page: elements to ask for, lines of text, and why not others.

Owns: reading the page, which elements are good enough. Does not own: words for them
(``descriptions``), the page (``stage``).

    Stage -> look() -> View(elements, lines);   Element.problem -> why it is left out, or ""

Names and roles come from the accessibility tree of the browser; whether a place is clickable from
``elementFromPoint`` at five places of the element.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qvl.data.synth.agent.look import Device
from qvl.data.synth.agent.stage import Stage
from qvl.geometry import Box, Point

_PROBE = Path(__file__).with_name("probe.js").read_text(encoding="utf-8")
_LEAST_SIDE_PX = 12
"""Of an element in CSS pixels: smaller ones are not found by their pixels. A patch is 14 px."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Element:
    """Something on the screen that has a name in the page.

    Attributes:
        e: its name in the page, unique.
        kind: what people call such a thing; empty for mere text.
        role: in the accessibility tree.
        name: there; empty where the tree leaves it out.
        use: what it does, as an imperative.
        of: what it belongs to, such as "in the row of Anna".
        icon: what its picture shows.
        text: that can be seen on it.
        placeholder: of a field.
        is_lit: on, checked, chosen.
        is_twice: a double click opens it.
        is_enabled: False for what is greyed out.
        box: in resized_px.
        problem: "hidden", "off screen", "clipped", "covered", "tiny", "torn", or empty.
    """

    e: str
    kind: str
    role: str
    name: str
    use: str
    of: str
    icon: str
    text: str
    placeholder: str
    is_lit: bool
    is_twice: bool
    is_enabled: bool
    box: Box
    problem: str

    @property
    def centre(self) -> Point:
        """Where it is clicked, in whole pixels."""
        return Point(round((self.box.x1 + self.box.x2) / 2), round((self.box.y1 + self.box.y2) / 2))


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A line of text; ``is_whole`` is False when a part of it cannot be seen."""

    text: str
    box: Box
    is_whole: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """What a page shows.

    Attributes:
        elements: by their names, also those that cannot be seen.
        lines: of text of which at least a part is on the screen.
        layer: title of the dialog or menu that lies above, or empty.
        view: which page of the app it is, "main" for the first.
    """

    elements: dict[str, Element]
    lines: tuple[Line, ...]
    layer: str
    view: str

    def sees(self, names: tuple[str, ...]) -> bool:
        """Whether all of these can be seen whole."""
        return all(name in self.elements and not self.elements[name].problem for name in names)

    def usable(self) -> list[Element]:
        """Elements that can be asked for, in the order of the page."""
        return [item for item in self.elements.values() if item.kind and not item.problem]

    def left_out(self) -> dict[str, int]:
        """Reason -> how many elements on the screen are not usable for it."""
        reasons = [item.problem for item in self.elements.values() if item.kind and item.problem]
        return {reason: reasons.count(reason) for reason in sorted(set(reasons) - {"hidden"})}


def look(stage: Stage) -> View:
    """Reads what a page shows now.

    Raises:
        DataError: the page fails.
    """
    seen, tree = stage.evaluate(_PROBE), stage.tree()
    found = [_element(record, tree, stage.device) for record in seen["elements"]]
    lines = tuple(
        Line(text=line["text"], box=_on_pixels(line["box"], stage.device), is_whole=line["seen"])
        for line in seen["lines"]
    )
    return View(
        elements={item.e: item for item in found},
        lines=lines,
        layer=seen["layer"],
        view=seen["view"],
    )


def locate(stage: Stage, name: str) -> Element | None:
    """Returns one element as it is now, without what the accessibility tree says of it.

    Raises:
        DataError: the page fails.
    """
    records = stage.evaluate(_PROBE, name)["elements"]
    return _element(records[0], {}, stage.device) if records else None


def _element(record: dict[str, Any], tree: dict[str, tuple[str, str]], device: Device) -> Element:
    role, name = tree.get(record["e"], ("", ""))
    box = _on_pixels(record["box"], device)
    problem = record["problem"]
    side = min(box.x2 - box.x1, box.y2 - box.y1)
    if not problem and record["kind"] and side < _LEAST_SIDE_PX * device.scale:
        problem = "tiny"
    if not problem and record["rects"] > 1:
        problem = "torn"  # over two lines: its box holds much that is not it
    if not problem and record["ends"]:
        problem = "clipped"
    return Element(
        e=record["e"],
        kind=record["kind"],
        role=role,
        name=name or record["label"],
        use=record["use"],
        of=record["of"],
        icon=record["icon"],
        text=record["text"],
        placeholder=record["placeholder"],
        is_lit=record["lit"],
        is_twice=record["twice"],
        is_enabled=record["enabled"],
        box=box,
        problem=problem,
    )


def _on_pixels(sides: list[float], device: Device) -> Box:
    """Whole pixels of the screen; an element may end a little beyond its edge.

    Source: official qwen-vl-finetune/tools/process_bbox.ipynb: round, clamp to 0..side-1.
    """
    height, width = (side * device.scale for side in device.size)
    last = (width - 1, height - 1) * 2
    return Box(
        *(float(min(max(round(side), 0), limit)) for side, limit in zip(sides, last, strict=True))
    )
