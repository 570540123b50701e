"""One failure as a piece of a page: the picture, what was asked, answered, expected, and why.

Owns one failure's HTML. Does not own its pictures (``media``), nor which failures are shown
(``page``).
"""

import json
from collections.abc import Iterable, Iterator, Sequence

from qvl.evaluation.benchmark import Question, Scored
from qvl.evaluation.report.media import Place, escaped, media_html
from qvl.geometry import Box
from qvl.messages import Image, Text
from qvl.tasks import agent, grounding
from qvl.tasks.actions import Click

_LONGEST_TEXT = 12_000

PLACES = "places"
"""Fact of a question: what its truth looks like, as [name, x1, y1, x2, y2] in original_px."""
TRACE = "trace"
"""Fact of a question: a page that shows step by step how it went, seen from the report's folder."""


def failure_html(question: Question, scored: Scored, classes: Iterable[str] = ()) -> str:
    """Returns one failure; what cannot be shown is said in its place.

    Args:
        question: with its media.
        scored: its score.
        classes: of the slices that it belongs to.
    """
    parts = [part for message in question.conversation.messages for part in message.content]
    count = sum(isinstance(part, Image) for part in parts)
    media = media_html(parts, [list(_places(number, scored)) for number in range(count)])
    expected = scored.truth
    if not isinstance(expected, str):
        expected = json.dumps(expected, ensure_ascii=False)
    rows = {
        "asked": "\n".join(part.text for part in parts if isinstance(part, Text)),
        "answered": scored.text,
        "expected": expected,
        "why": scored.score.why,
    }
    cells = "".join(
        f'<dt>{name}</dt><dd class="{name}"><pre dir="auto">{escaped(short(value))}</pre></dd>'
        for name, value in rows.items()
    )
    if TRACE in scored.facts:
        link = escaped(scored.facts[TRACE])
        cells += f'<dt>steps</dt><dd><a href="{link}">step by step</a></dd>'
    groups = ", ".join(f"{name}: {value}" for name, value in scored.groups.items())
    return (
        f'<article class="{" ".join(["failure", *classes])}">'
        f"<h3><bdi>{escaped(scored.key)}</bdi> {_badge(scored)} "
        f"<small>{escaped(groups)}</small></h3>"
        f'<div class="pair{"" if media else " words"}">'
        f"{f'<div>{media}</div>' if media else ''}<dl>{cells}</dl></div></article>"
    )


def short(value: str) -> str:
    """What of a long text is shown: its beginning and its end.

    >>> len(short("x" * 1_000_000)) < 13_000
    True
    """
    if len(value) <= _LONGEST_TEXT:
        return value
    half = _LONGEST_TEXT // 2
    return f"{value[:half]}\n... {len(value) - 2 * half:,} characters ...\n{value[-half:]}"


def _badge(scored: Scored) -> str:
    if not scored.score.is_parsed:
        kind, told = "unread", "unread" if scored.text else "no answer"
    elif scored.score.value == 0:
        kind, told = "wrong", "wrong"
    else:
        kind, told = "part", f"{100 * scored.score.value:.3g} %"
    return f'<span class="badge {kind}">{told}</span>'


def _places(number: int, scored: Scored) -> Iterator[Place]:
    """Boxes and points of a picture: of the truth, then of the answer."""
    for name, *box in scored.facts.get(PLACES, ()) if number == 0 else ():
        yield "truth", str(name), Box(*box)
    texts: Sequence[tuple[str, str]] = [("answer", scored.text)]
    if isinstance(scored.truth, str):
        texts = [("truth", scored.truth), *texts]
    for group, value in texts:
        for item in grounding.parse(value, transforms=scored.transforms).items:
            if item.image_index == number:
                shape = item.box if isinstance(item, grounding.GroundedBox) else item.point
                yield group, item.label or group, shape
        for action in agent.parse(value).actions:
            if isinstance(action, Click) and action.point is not None and number == 0:
                point = action.point
                if scored.transforms:
                    point = scored.transforms[0].to_original(point)
                yield group, group, point
