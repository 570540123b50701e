"""An episode as a page to look through: one file, nothing fetched, nothing run.

Owns: HTML. Does not own: files (``recorder``), drawing on screenshots (``episode``).

    head() + section(step) ... + tail(episode) -> a page that can be read at any length

The page is written from front to back, so it can be appended to while an episode runs; browsers
show a page whose end is missing. Everything a model or a page wrote is escaped.
"""

import base64
import html
from io import BytesIO
from typing import TYPE_CHECKING

from qvl.tasks.actions import describe

if TYPE_CHECKING:
    from qvl.agents.episode import Episode, Step

_STYLE = """
.qvl-episode { font: 15px/1.5 system-ui, sans-serif; max-width: 1100px; margin: 1em auto }
.qvl-episode section { border-top: 1px solid #ccc; padding: 1em 0 }
.qvl-episode img { max-width: 100%; border: 1px solid #ccc }
.qvl-episode pre { white-space: pre-wrap; overflow-wrap: anywhere; background: #f4f4f4;
  color: #222; padding: .5em }
.qvl-episode .outcome { padding: 0 .5em; border-radius: .3em; color: #fff; background: #b33 }
.qvl-episode .performed, .qvl-episode .terminated { background: #264 }
"""

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""Should anything slip through the escaping, the browser runs and fetches nothing."""


def head(goal: str) -> str:
    """Returns the beginning of a page."""
    title = html.escape(goal)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f"<title>{title}</title>\n</head><body>\n{_opening(goal)}"
    )


def section(step: "Step") -> str:
    """Returns the part of a page that shows one step."""
    thought = f"<p>{html.escape(step.thought)}</p>\n" if step.thought else ""
    detail = f" {html.escape(step.detail)}" if step.detail else ""
    events = "".join(f"<li>{html.escape(event)}</li>" for event in step.events)
    return (
        f'<section id="step-{step.number}">\n'
        f"<h2>{step.number}. {html.escape(_title(step))}</h2>\n"
        f'<p><span class="outcome {step.outcome}">{step.outcome}</span>{detail}<br>'
        f"{html.escape(step.where)}, {step.screen}, {step.seconds:.1f} s</p>\n"
        f"{thought}{f'<ul>{events}</ul>' if events else ''}\n"
        f'<img alt="screenshot {step.number}" src="{_picture(step)}">\n'
        f"<details><summary>answer</summary><pre>{html.escape(step.answer)}</pre></details>\n"
        f"<details><summary>prompt</summary><pre>{html.escape(step.prompt)}</pre></details>\n"
        "</section>\n"
    )


def tail(episode: "Episode") -> str:
    """Returns the end of a page."""
    return f"{_ending(episode)}</div></body></html>\n"


def fragment(episode: "Episode") -> str:
    """Returns an episode as HTML for inside another page."""
    sections = "".join(section(step) for step in episode.steps)
    return f"{_opening(episode.goal)}{sections}{_ending(episode)}</div>"


def _opening(goal: str) -> str:
    return f'<div class="qvl-episode"><style>{_STYLE}</style>\n<h1>{html.escape(goal)}</h1>\n'


def _ending(episode: "Episode") -> str:
    detail = f" ({html.escape(episode.detail)})" if episode.detail else ""
    return (
        f"<section><b>{episode.ending}</b>{detail} after {len(episode.steps)} steps, "
        f"{episode.seconds:.0f} s</section>\n"
    )


def _title(step: "Step") -> str:
    return step.outcome if step.action is None else describe(step.action)


def _picture(step: "Step") -> str:
    drawn = BytesIO()
    step.draw().save(drawn, "PNG")
    return f"data:image/png;base64,{base64.b64encode(drawn.getvalue()).decode('ascii')}"
