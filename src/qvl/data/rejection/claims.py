"""Whether what the steps of an answer say about the picture is true.

Owns: the exact check for drawn scenes, the question to a model that judges for all others. Does not
own: sums (``equations``), the final answer (``verifiers``), when which check runs (``sampling``).

    (sample, answer), ... -> a step check -> for each: None | why it fails | what went wrong

Source: report, 2.3.3: rule-based and model-driven checks that intermediate steps use what is seen
correctly.
"""

import re
from collections.abc import Callable, Sequence

from qvl.data.records import Sample
from qvl.data.rejection.equations import wrong_equation
from qvl.data.rejection.verifiers import question_of
from qvl.data.steps import answers_of
from qvl.data.synth.canvas import SHAPES
from qvl.data.synth.palette import COLOUR_NAMES
from qvl.errors import DataError, QvlError
from qvl.geometry import Box, box_iou
from qvl.messages import Conversation, Message, SamplingParams, Text, TextGenerator
from qvl.tasks import counting, grounding

StepCheck = Callable[[Sequence[tuple[Sample, str]]], Sequence[str | QvlError | None]]
"""Gets samples with answers; returns for each None, what is wrong, or why nobody could say."""

_COLOUR = rf"(?P<colour>{'|'.join(COLOUR_NAMES)})"
_KIND = rf"(?P<kind>{'|'.join([*SHAPES, 'shape', 'object'])})"
_WORDS = "no|one|two|three|four|five|six|seven|eight|nine|ten"
# Only counts that are said of the whole picture: "two circles" alone may be those on the left.
_COUNT = re.compile(
    rf"\b(?:there (?:is|are)|(?:i|we) (?:can )?(?:see|count|find)|(?:picture|image|scene) "
    rf"(?:has|shows|contains|holds))\s+(?:exactly |only )?(?P<number>\d{{1,3}}|{_WORDS})\s+"
    rf"(?:{_COLOUR}\s+)?{_KIND}(?:e?s)?\b(?!\s+(?:on|at|in|near|to|above|below|left|right))",
    re.IGNORECASE,
)
_NAMED = re.compile(rf"\b(?P<article>an?|the|this|that)\s+{_COLOUR}\s+{_KIND}\b", re.IGNORECASE)
_IS = re.compile(rf"\b(?:the|this)\s+{_KIND}\s+is\s+(?P<not>not\s+)?{_COLOUR}\b", re.IGNORECASE)
_DENIED = re.compile(
    r"\b(?:not?|never|without|isn't|no sign of|instead of|if)\b[^.!?\n]{0,25}$", re.IGNORECASE
)
_IOU = 0.5
_LONGEST = 20_000


def known_claims(items: Sequence[tuple[Sample, str]]) -> Sequence[str | QvlError | None]:
    """Checks what can be known without a model: sums everywhere, drawn shapes where there are any.

    Of shapes are read counts of the whole picture, named shapes, colours of a kind, and boxes with
    a label, against ``facts["shapes"]``, exactly. Other words are not judged.

    Raises:
        DataError: the shapes of a sample are no list.
    """
    problems: list[str | QvlError | None] = []
    for sample, answer in items:
        if wrong_equation(answer[:_LONGEST]) is not None:
            problems.append("a sum that does not come out")
        elif "shapes" in sample.facts:
            problems.append(_scene_problem(sample, answer[:_LONGEST]))
        else:
            problems.append(None)
    return problems


def _scene_problem(sample: Sample, answer: str) -> str | None:
    shapes = sample.facts.get("shapes")
    if not isinstance(shapes, list):
        raise DataError(f"facts of {sample.provenance.generator} hold no shapes to check against")
    names = [str(name) for name, _ in shapes]
    for claim in _COUNT.finditer(answer):
        number = 0 if claim["number"].lower() == "no" else counting.parse(claim["number"])
        colour, kind = (claim["colour"] or "").lower(), claim["kind"].lower()
        true = sum(_fits(name, colour, kind) for name in names)
        if number is not None and number != true:
            return f"says {claim['number']} where there are {true}"
    for claim in _NAMED.finditer(answer):
        if _DENIED.search(answer[max(0, claim.start() - 40) : claim.start()]):
            continue
        if not any(_fits(name, claim["colour"].lower(), claim["kind"].lower()) for name in names):
            return "names a shape that is not there"
    for claim in _IS.finditer(answer):
        kind, colour = claim["kind"].lower(), claim["colour"].lower()
        is_true = any(_fits(name, colour, kind) for name in names)
        if is_true == bool(claim["not"]):
            return "gives a shape another colour"
    for item in grounding.parse(answer).boxes:
        boxes = [Box(*box) for name, box in shapes if name == item.label]
        if item.label in names and all(box_iou(item.box, box) < _IOU for box in boxes):
            return "puts a shape where it is not"
    return None


def _fits(name: str, colour: str, kind: str) -> bool:
    """Whether "red circle" is one of the red ones, of the circles, of the shapes."""
    own_colour, _, own_kind = name.partition(" ")
    return colour in ("", own_colour) and kind in ("shape", "object", own_kind)


_JUDGE_PROMPT = (
    "Above are pictures, a question about them and, between the lines, the reasoning of a student. "
    "Judge only what the reasoning says can be seen in the pictures: objects, colours, counts, "
    "places, text, values. Compare each such statement with the pictures. End with one line: "
    '"Answer: yes" if all of them are true, "Answer: no" if any is wrong or cannot be seen.'
)
_JUDGE_PARAMS = SamplingParams(max_tokens=400)
_VERDICT = re.compile(r"answer\W{1,6}(yes|no)\b", re.IGNORECASE)


def judged_by_model(
    items: Sequence[tuple[Sample, str]],
    *,
    generator: Callable[[], TextGenerator],
    params: SamplingParams = _JUDGE_PARAMS,
) -> Sequence[str | QvlError | None]:
    """Asks a model whether all that is said about the picture is true; bind its arguments with
    `functools.partial` to make a `StepCheck`.

    Args:
        items: samples with the answers to check.
        generator: makes the model; called once in each process.
        params: of its answers.
    """
    questions = [_judged(sample, answer) for sample, answer in items]
    problems: list[str | QvlError | None] = []
    for verdict in answers_of(generator, questions, params):
        if isinstance(verdict, QvlError):
            problems.append(verdict)
            continue
        said = _VERDICT.findall(verdict.text)
        if not said:
            problems.append("the judge says neither yes nor no")
        else:
            problems.append(None if said[-1].lower() == "yes" else "the judge sees it otherwise")
    return problems


def _judged(sample: Sample, answer: str) -> Conversation:
    question = question_of(sample)
    *before, last = question.messages
    # What the answer says is material: it stands between lines, before the judge's question.
    text = f"\n\n-----\n{answer[:_LONGEST]}\n-----\n\n{_JUDGE_PROMPT}"
    return Conversation((*before, Message(last.role, (*last.content, Text(text)))))
