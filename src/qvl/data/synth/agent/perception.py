"""What a screen shows, in words: captions, questions with answers, its text.

Owns: the generators of such samples. Does not own: what is true of an app (``apps``).

    random screen -> live page -> view -> facts, questions, lines that can be seen -> Sample
"""

from collections.abc import Sequence

import numpy as np

from qvl.data.records import Provenance, Sample
from qvl.data.synth.agent.content import one, some
from qvl.data.synth.agent.elements import Line, View, look
from qvl.data.synth.agent.grounding import about
from qvl.data.synth.agent.screens import Screen, opened, random_screen
from qvl.errors import DataError
from qvl.geometry import ImageSize
from qvl.messages import Conversation, Image, Message, Text
from qvl.tasks import ocr

_CAPTION_PROMPTS = (
    "Describe this screenshot.",
    "What does this screen show?",
    "Give a description of the user interface.",
    "Describe the screenshot in a few sentences.",
    "What can be seen on this screen?",
)
_KINDS = {
    "shop": "an online shop", "mail": "a mail app", "chat": "a chat app",
    "login": "a page to sign in",
    "settings": "the settings of a device", "booking": "a page to book something",
    "wizard": "a guided setup", "table": "a list of people", "dashboard": "a dashboard",
    "files": "a file manager", "editor": "a text editor", "calendar": "a calendar",
    "player": "a music player", "map": "a map", "news": "an online newspaper",
}  # fmt: skip
_SHORT = "Describe this screenshot in one sentence."
_READ_PROMPT = "What text is written at {box}?"


def screen_caption_sample(
    rng: np.random.Generator, *, seed: tuple[int, ...], mobile: float = 0.5, sharp: float = 0.4
) -> Sample:
    """Returns a screen with a description: what it is, what stands where, what lies above.

    Args:
        rng: source of randomness.
        seed: recorded in the sample.
        mobile: share of phones.
        sharp: share of phones with two device pixels per CSS pixel.

    Raises:
        DataError: the page fails.
        MissingDependencyError: there is no browser.
    """
    screen, picture, view = _seen(rng, mobile, sharp)
    first = _opening(rng, screen, view)
    if rng.random() < 0.25:
        question, caption = _SHORT, first
    else:
        question = one(rng, _CAPTION_PROMPTS)
        caption = " ".join([first, *_middle(screen, view), *_end(screen, view)])
    return _sample("caption", screen, picture, [(question, caption)], seed)


def screen_question_sample(
    rng: np.random.Generator,
    *,
    seed: tuple[int, ...],
    mobile: float = 0.5,
    sharp: float = 0.4,
    questions: int = 4,
) -> Sample:
    """Returns a screen with questions that it answers.

    Args:
        rng: source of randomness.
        seed: recorded in the sample.
        mobile: share of phones.
        sharp: share of phones with two device pixels per CSS pixel.
        questions: most turns of the conversation.

    Raises:
        DataError: the page fails.
        MissingDependencyError: there is no browser.
    """
    screen, picture, view = _seen(rng, mobile, sharp)
    # After clicks the answers may have changed; what is seen is asked of the untouched page only.
    own = (
        []
        if screen.path
        else [(q.ask, q.answer) for q in screen.app.questions if view.sees(q.seen)]
    )
    turns = some(rng, own, questions)
    if len(turns) < questions:
        turns += some(rng, _states(view), min(2, questions - len(turns)))
    return _sample("questions", screen, picture, turns, seed)


def screen_text_sample(
    rng: np.random.Generator,
    *,
    seed: tuple[int, ...],
    mobile: float = 0.5,
    sharp: float = 0.4,
    questions: int = 4,
) -> Sample:
    """Returns a screen whose text is read: all lines with boxes, or what stands at a place.

    All lines are asked for only where each of them can be seen whole.

    Args:
        rng: source of randomness.
        seed: recorded in the sample.
        mobile: share of phones.
        sharp: share of phones with two device pixels per CSS pixel.
        questions: most places that are asked for.

    Raises:
        DataError: the page fails, or no line can be read.
        MissingDependencyError: there is no browser.
    """
    screen, picture, view = _seen(rng, mobile, sharp)
    whole = [line for line in view.lines if line.is_whole]
    if not whole:
        raise DataError(f"no line can be read on a screen of kind {screen.app.kind!r}")
    has_all = len(whole) == len(view.lines) and not any(
        item.kind in ("text field", "search field") and (item.text or item.placeholder)
        for item in view.usable()
    )
    if has_all and rng.random() < 0.8:
        lines = [ocr.TextLine(text=line.text, box=line.box) for line in _in_rows(whole)]
        turns = [(ocr.prompt("line"), ocr.format_lines(lines))]
    else:
        turns = [
            (
                _READ_PROMPT.format(box=[*map(int, line.box)]),
                ocr.format_text(line.text),
            )
            for line in some(rng, whole, questions)
        ]
    return _sample("text", screen, picture, turns, seed)


def _seen(rng: np.random.Generator, mobile: float, sharp: float) -> tuple[Screen, np.ndarray, View]:
    screen = random_screen(rng, mobile=mobile, sharp=sharp)
    with opened(screen) as live:
        return screen, live.screenshot(), look(live)


def _sample(
    asks: str,
    screen: Screen,
    picture: np.ndarray,
    turns: list[tuple[str, str]],
    seed: tuple[int, ...],
) -> Sample:
    messages = []
    for number, (question, answer) in enumerate(turns):
        shown = (Image(picture),) if number == 0 else ()
        messages += [
            Message("user", (*shown, Text(question))),
            Message("assistant", (Text(answer),)),
        ]
    return Sample(
        task=f"screen_{asks}",
        conversation=Conversation(tuple(messages)),
        provenance=Provenance(generator=f"agent.perception.screen_{asks}_sample", seed=seed),
        facts={**about(screen), "size": list(ImageSize(*picture.shape[:2]))},
    )


def _opening(rng: np.random.Generator, screen: Screen, view: View) -> str:
    where = {
        "none": ("", ""),
        "browser": (" in a browser", " in a web browser"),
        "desktop": (" in a window on a desktop", " on a computer, in a window"),
        "phone": (" on a phone", " on the screen of a phone"),
    }[screen.frame]
    what = screen.app.about
    mode = " in dark mode" if screen.look.is_dark else ""
    if _is_elsewhere(screen, view):
        what = f"A page of {screen.app.name}, {_KINDS[screen.app.kind]}"
    return f"{what}{one(rng, where)}{mode}."


def _is_elsewhere(screen: Screen, view: View) -> bool:
    """Whether clicks led away from what the app's first sentence speaks of."""
    return bool(screen.path) and (len(screen.path) > 1 or not view.layer or view.view != "main")


def _middle(screen: Screen, view: View) -> list[str]:
    return [] if screen.path else [fact.text for fact in screen.app.facts if view.sees(fact.seen)]


def _end(screen: Screen, view: View) -> list[str]:
    said = []
    if _is_elsewhere(screen, view):
        whole = sorted({line.text for line in view.lines if line.is_whole}, key=len)[-3:]
        if whole:
            said.append(f"Its text includes {_listed(whole)}.")
    if view.layer:
        inside = [item for item in view.usable() if item.kind in ("button", "menu entry", "option")]
        words = [item.text for item in inside if item.text][:5]
        offers = f", which offers {_listed(words)}" if words else ""
        said.append(f"Over the page, “{view.layer}” is open{offers}.")
    lit = [
        item
        for item in view.usable()
        if item.is_lit and item.kind in ("tab", "navigation entry") and item.name
    ]
    if lit and not view.layer:
        said.append(f"The {lit[0].kind} “{lit[0].name}” is selected.")
    status = view.elements.get("clock")
    if status is not None and not status.problem and screen.frame == "phone":
        said.append(f"The clock shows {status.text}.")
    return said


def _listed(words: Sequence[str]) -> str:
    """Words in quotes, as a list in a sentence."""
    *others, last = [f"“{word}”" for word in words]
    return f"{', '.join(others)} and {last}" if others else last


def _states(view: View) -> list[tuple[str, str]]:
    """Questions about the elements alone; they hold in every state of every page."""
    found = []
    for item in view.usable():
        if (
            item.kind in ("switch", "checkbox")
            and item.name
            and not item.of.startswith("in the row")
        ):
            word = "on" if item.kind == "switch" else "checked"
            found.append(
                (f"Is the {item.kind} “{item.name}” {word}?", "Yes" if item.is_lit else "No")
            )
    if view.layer:
        found.append(("What is the title of the dialog or menu that is open?", view.layer))
    clock, battery = view.elements.get("clock"), view.elements.get("battery")
    if clock is not None and not clock.problem:
        found.append(("What time does the clock of the device show?", clock.text))
    if battery is not None and not battery.problem:
        found.append(("How full is the battery?", battery.text))
    kinds = [
        item.kind
        for item in view.usable()
        if item.kind in ("switch", "text field", "checkbox", "tab")
    ]
    partly = {
        item.kind
        for item in view.elements.values()
        if item.problem not in ("", "hidden", "off screen")
    }
    for kind in sorted(set(kinds) - partly):
        plural = (
            f"{kind}es"
            if kind.endswith("ch")
            else f"{kind}es"
            if kind.endswith("x")
            else f"{kind}s"
        )
        found.append((f"How many {plural} can be seen?", str(kinds.count(kind))))
    return found


def _in_rows(lines: list[Line]) -> list[Line]:
    """From top to bottom; lines that begin at about the same height from left to right."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda item: item.box.y1):
        if rows and line.box.y1 < (rows[-1][0].box.y1 + rows[-1][0].box.y2) / 2:
            rows[-1].append(line)
        else:
            rows.append([line])
    return [line for row in rows for line in sorted(row, key=lambda item: item.box.x1)]
