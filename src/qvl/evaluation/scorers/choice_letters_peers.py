"""The letter of a multiple-choice answer, by the rules of other harnesses.

Owns: VLMEvalKit's and Qwen's ``can_infer``, the rules of Video-MME and MVBench. Does not own: our
own reading (``choice_letters``).

    answer -> the steps of a published script -> a letter or None

They are here so that numbers can be compared. Where a script draws a letter by lot, calls a model
or counts an empty answer as right, the answer is unread instead.
"""

import re
from collections.abc import Mapping

from qvl.evaluation.scorers.score import Score
from qvl.evaluation.scorers.vqa import without_punctuation
from qvl.options import shown

REFUSED = "Z"
"""What `can_infer` returns for an answer that refuses."""

_REFUSALS = (
    "Sorry, I can't help with images of people yet.",
    "I can't process this file.",
    "I'm sorry, but without the image provided",
    "Cannot determine the answer",
)
_SEPARATORS = str.maketrans(dict.fromkeys(".()[],:;!*#{}", " "))
_NEAR_END = 5
"""VLMEvalKit takes a letter only among so many last words."""


def can_infer(answer: str, options: Mapping[str, str]) -> str | None:
    """Returns the option of an answer by VLMEvalKit's rule, `REFUSED`, or None.

    The only letter that stands alone, if it is among the last words; else the only option whose
    text the answer contains, if the answer is not much longer than the options.
    Source: VLMEvalKit utils/matching_util.py, can_infer.

    >>> options = {"A": "cat", "B": "dog"}
    >>> [can_infer(text, options) for text in ("(B)", "a dog", "A B", "I'll take B")]
    ['B', 'B', None, 'B']
    """
    if any(refusal in answer for refusal in _REFUSALS):
        return REFUSED
    words = answer.translate(_SEPARATORS).split()
    named = [letter for letter in options if letter in words]
    if len(named) == 1 and words.index(named[0]) > len(words) - _NEAR_END:
        return named[0]
    if not named and REFUSED in words:
        return REFUSED
    if len(answer) > 2 * sum(len(text) for text in options.values()):
        return None
    return _only_text(answer, options)


def can_infer_qwen(answer: str, options: Mapping[str, str]) -> str | None:
    """Returns the option of an answer by the copy in Qwen's evaluation code.

    The only letter that stands alone, wherever; but none at all if a word "A" stands among more
    than three. Else the only option whose text the answer contains.
    Source: QwenLM/Qwen3-VL evaluation/mmmu/eval_utils.py, can_infer.

    >>> can_infer_qwen("It is A of these four", {"A": "cat", "B": "dog"}) is None
    True
    """
    if any(refusal in answer for refusal in _REFUSALS):
        return REFUSED
    words = answer.translate(_SEPARATORS).split()
    named = [letter for letter in options if letter in words]
    if len(named) == 1 and not ("A" in words and len(words) > 3):
        return named[0]
    if not named and REFUSED in words:
        return REFUSED
    return _only_text(answer, options)


def _only_text(answer: str, options: Mapping[str, str]) -> str | None:
    lowered = answer.lower()
    found = [letter for letter, text in options.items() if text.lower() in lowered]
    return found[0] if len(found) == 1 else None


_PREFIXES = (
    "The best answer is",
    "The correct answer is",
    "The answer is",
    "The answer",
    "The best option is",
    "The correct option is",
    "Best answer:",
    "Best option:",
    "Answer:",
    "Option:",
)


def video_mme_letter(answer: str) -> str | None:
    """Returns the first of the letters A to D, after known phrases are taken out.

    VLMEvalKit lacks two commas in its list of phrases, so that "Best answer: D" chooses B there.
    A word in capitals still gives a letter: "DOG" chooses D.
    Source: Video-MME eval_your_results.py; VLMEvalKit utils/videomme.py.

    >>> video_mme_letter("Best answer: D"), video_mme_letter("none")
    ('D', None)
    """
    for prefix in _PREFIXES:
        answer = answer.replace(prefix, "")
    found = re.search("[ABCD]", answer)
    return None if found is None else found.group()


_MVBENCH_OPTION = re.compile(r"([A-E])\.\s*.+", re.IGNORECASE | re.DOTALL)
_LONE = re.compile(r"\b([a-e])\b")


def mvbench_lmms_eval(*, answer: str, truth: str) -> Score:
    """Scores an answer to MVBench by lmms-eval's rule; an empty answer is wrong, not left out.

    The first letter A to E that stands alone, articles among them.
    Source: lmms-eval mvbench/utils.py, mcq_acc.

    >>> mvbench_lmms_eval(answer="(C) the dog", truth="C. the dog").value
    1.0

    Args:
        answer: as the model wrote it.
        truth: letter and text of the right option, "C. the dog".
    """
    given, wanted = _mvbench_choice(answer), _mvbench_choice(truth)
    return Score(
        value=float(bool(given) and given == wanted),
        why=f"{shown(given)}, expected {shown(wanted)}",
        is_parsed=bool(given),
    )


def _mvbench_choice(text: str) -> str:
    option = _MVBENCH_OPTION.fullmatch(text.strip())
    if option is not None and "\n" not in text.strip():
        return option.group(1).upper()
    text = without_punctuation(text.replace("\n", " ").replace("\t", " ").strip())
    text = text.strip("'").strip('"').strip(")").strip("(").strip().lower()
    lone = _LONE.search(text)
    return text if lone is None else lone.group(1).upper()


def mvbench_vlmevalkit(*, answer: str, truth: str) -> Score:
    """Scores an answer to MVBench by VLMEvalKit's rule: the first word names the right letter.

    There "", "." and "(" are right for every question, as they are part of every letter in
    brackets; here they are unread.
    Source: VLMEvalKit utils/mvbench.py, check_ans.

    >>> [mvbench_vlmevalkit(answer=text, truth="(B) run").value for text in ("(B)", "b.", "")]
    [1.0, 1.0, 0.0]

    Args:
        answer: as the model wrote it.
        truth: letter in brackets and text of the right option, "(B) run".
    """
    given, wanted = (text.lower().strip().split(" ")[0] for text in (answer, truth))
    if not given.strip(".()"):
        return Score(value=0.0, why=f"no choice in {shown(answer)}", is_parsed=False)
    right = given.replace(".", "") in wanted or wanted in given
    return Score(value=float(right), why=f"{shown(given)}, expected {shown(wanted)}")
