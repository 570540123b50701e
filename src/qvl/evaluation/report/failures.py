"""Failures of a run as pieces of a page: the picture, what was asked, answered, expected, and why.

Owns one failure's HTML. Does not own which ones are shown (``page``).
"""

import base64
import html
import io
import json
from collections.abc import Iterator

import PIL.Image

from qvl.errors import QvlError
from qvl.evaluation.benchmark import Question, Reply, Scored
from qvl.geometry import Box, ImageSize, Point
from qvl.messages import Image, Text, Video
from qvl.processing.image import load_image
from qvl.tasks import agent, draw_svg, grounding
from qvl.tasks.actions import Click
from qvl.tasks.marks import Mark, layout

_WIDEST_PX = 420
_LONGEST_TEXT = 1500
_MOST_PICTURES, _MOST_MARKS = 6, 40


PLACES = "places"
"""Fact of a question: what its truth looks like, as [name, x1, y1, x2, y2] in original_px."""
TRACE = "trace"
"""Fact of a question: a page that shows step by step how it went, seen from the report's folder."""


def failure_html(question: Question, scored: Scored, reply: Reply) -> str:
    """Returns one failure; what cannot be shown is said in its place."""
    parts = [part for message in question.conversation.messages for part in message.content]
    pictures = [part for part in parts if isinstance(part, Image)]
    shown = [
        _picture(part, number, scored, reply)
        for number, part in enumerate(pictures[:_MOST_PICTURES])
    ]
    if len(pictures) > _MOST_PICTURES:
        shown.append(f"<p>and {len(pictures) - _MOST_PICTURES} more pictures</p>")
    shown += [f"<p>video {text(part.source)}</p>" for part in parts if isinstance(part, Video)]
    asked = "\n".join(part.text for part in parts if isinstance(part, Text))
    groups = ", ".join(f"{name} {value}" for name, value in scored.groups.items())
    expected = scored.truth
    if not isinstance(expected, str):
        expected = json.dumps(expected, ensure_ascii=False)
    rows = {"asked": asked, "answered": scored.text, "expected": expected, "why": scored.score.why}
    cells = "".join(
        f"<dt>{name}</dt><dd><pre>{text(short(value))}</pre></dd>" for name, value in rows.items()
    )
    if TRACE in scored.facts:
        cells += f'<dt>steps</dt><dd><a href="{text(scored.facts[TRACE])}">step by step</a></dd>'
    mark = "" if scored.score.is_parsed else " unparsed"
    return (
        f'<article class="failure{mark}"><h3>{text(scored.key)} '
        f"<small>{scored.score.value:.3g} {text(groups)}</small></h3>"
        f'<div class="pair"><div>{"".join(shown)}</div><dl>{cells}</dl></div></article>'
    )


def text(value: object) -> str:
    """Text for HTML; what is no character is shown as such."""
    return html.escape(str(value).encode("utf-8", "replace").decode("utf-8"))


def short(value: str) -> str:
    """What of a long text is shown."""
    return value if len(value) <= _LONGEST_TEXT else f"{value[:_LONGEST_TEXT]} ..."


def _picture(part: Image, number: int, scored: Scored, reply: Reply) -> str:
    """The picture with the places of the answer and of the truth, if there are any."""
    try:
        picture = load_image(part.source)
    except QvlError as error:
        return f"<p>{text(error.message)}</p>"
    scale = min(1.0, _WIDEST_PX / max(picture.size))
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    small = picture.resize(size)
    marks = [
        Mark(label=label, shape=_scaled(shape, scale), group=group)
        for group, label, shape in _places(number, scored, reply)
    ][:_MOST_MARKS]
    if not marks:
        return f'<img alt="" loading="lazy" src="data:image/jpeg;base64,{_jpeg(small)}">'
    return draw_svg.write(layout(ImageSize(small.height, small.width), marks), small)


def _scaled(shape: Box | Point, scale: float) -> Box | Point:
    return type(shape)(*(value * scale for value in shape))


def _places(number: int, scored: Scored, reply: Reply) -> Iterator[tuple[str, str, Box | Point]]:
    """Boxes and points of a picture in original_px: of the truth, then of the answer."""
    for name, *box in scored.facts.get(PLACES, ()) if number == 0 else ():
        yield "truth", str(name), Box(*box)
    texts = [("answer", reply.text)]
    if isinstance(scored.truth, str):
        texts.insert(0, ("truth", scored.truth))
    for group, value in texts:
        for item in grounding.parse(value, transforms=reply.transforms).items:
            if item.image_index == number:
                shape = item.box if isinstance(item, grounding.GroundedBox) else item.point
                yield group, item.label or group, shape
        for action in agent.parse(value).actions:
            if isinstance(action, Click) and action.point is not None and number == 0:
                point = action.point
                if reply.transforms:
                    point = reply.transforms[0].to_original(point)
                yield group, group, point


def _jpeg(picture: PIL.Image.Image) -> str:
    file = io.BytesIO()
    picture.convert("RGB").save(file, "JPEG", quality=80)
    return base64.b64encode(file.getvalue()).decode("ascii")
