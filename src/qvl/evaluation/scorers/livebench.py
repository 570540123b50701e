"""LiveBench's tasks that a rule decides, as its questions of 2024 ask for their answers.

Owns: one rule a task. Does not own: instructions (``instructions``), programs
(``benchmarks/livebench_coding``). It has none for tables in other formats ("tablereformat"), which
the authors read with pandas, and "house_traversal", which the release of August 2024 no longer has.

    answer, truth -> RULES[task] -> 0 to 1

Source: LiveBench/LiveBench livebench/process_results. Differences: of a competition's choice the
value instead of its letter does not count; expressions are compared by ``maths``, not by sympy.
"""

import difflib
import re
from collections.abc import Callable, Mapping

from qvl.evaluation.scorers.edit_distance import edit_distance
from qvl.evaluation.scorers.maths import final_result, is_same
from qvl.evaluation.scorers.megabench_answers import python_literal

Rule = Callable[[str, str], float]

_NUMBER_WORDS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
    "twenty",
)  # fmt: skip
_SHAPES = ("tetrahedra", "tetrahedron", "triangle", "square")
_BOLD = re.compile(r"\*\*(.+?)\*\*", re.DOTALL)
_SOLUTION = re.compile(r"<solution>(.*?)</solution>", re.DOTALL)
_BOXED_LETTER = re.compile(r"\\(?:boxed|fbox)\{(?:\\text(?:bf)?\{)?\s*\(?([A-E])\)?\s*\}")
_IN_A_GROUP = 4
_MOST_SENTENCES = 200


def competition_choice(answer: str, truth: str) -> float:
    """The letter written five times over, in solution tags, or in a box.

    >>> [competition_choice(text, "B") for text in ("so BBBBB", "\\\\boxed{B}", "B", "CCCCC")]
    [1.0, 1.0, 0.0, 0.0]
    """
    tagged, boxed = _SOLUTION.findall(answer), _BOXED_LETTER.findall(answer)
    in_tags = bool(tagged) and set(tagged[-1].strip().upper()) == {truth}
    return float(truth * 4 in answer or in_tags or (bool(boxed) and boxed[-1] == truth))


def competition_number(answer: str, truth: str) -> float:
    """The number stands among the last fifty characters."""
    return float(truth in answer[-50:])


def expression(answer: str, truth: str) -> float:
    """The boxed result is the truth, a constant of integration aside."""
    result = re.sub(r"\+\s*[Cc]\b", "", final_result(answer))
    return float(is_same(result.rpartition("=")[2], truth))


def order_of_formulas(answer: str, truth: str) -> float:
    """1 less the share of changes between two lists of numbers; the answer's after "answer:"."""
    stated = re.split(r"answer\s*:", answer, flags=re.IGNORECASE)[-1]
    line = next((part for part in stated.split("\n") if re.search(r"\d", part)), "")
    given = [int(number) for number in re.findall(r"\d{1,9}", line)][:1000]
    wanted = [int(number) for number in re.findall(r"\d{1,9}", truth)]
    return 1 - edit_distance(given, wanted) / max(len(given), len(wanted), 1)


def web_of_lies(answer: str, truth: str) -> float:
    """The last three of yes, no, unknown in bold, or in solution tags."""
    tagged = _SOLUTION.findall(answer)
    places = tagged[-1:] or _BOLD.findall(answer)
    words = re.findall(r"\b(?:yes|no|unknown)\b", " ".join(places).lower())
    return float(", ".join(words[-3:]) == truth.lower())


def zebra(answer: str, truth: str) -> float:
    """The last word between three asterisks, else the last word; a digit is its word."""
    bold = re.findall(r"\*\*\*(\w+)\*\*\*", answer)
    words = bold or re.findall(r"\b\w+\b", answer)
    word = words[-1].lower() if words else ""
    if word.isdigit() and 0 < int(word) < 10:
        word = _NUMBER_WORDS[int(word)]
    return float(truth.lower() in (word, f"{word} movies") and bool(word))


def spatial(answer: str, truth: str) -> float:
    """One of the last three in bold; numbers also as words, some shapes with a word beside them."""
    truth = truth.strip().lower()
    for bold in re.findall(r"\*\*([^*]+)\*\*", answer)[-3:]:
        word = bold.strip().lower()
        number = str(_NUMBER_WORDS.index(word)) if word in _NUMBER_WORDS else word
        loosely = truth in _SHAPES and truth in word and len(word) < 2 * len(truth) + 5
        if truth in (word, number) or loosely:
            return 1.0
    return 0.0


def typos(answer: str, truth: str) -> float:
    """The corrected text stands in the answer, line ends aside."""
    return float(truth in " ".join(line for line in answer.split("\n") if line))


def connections(answer: str, truth: str) -> float:
    """Share of groups of four that are right in the best of the lists in bold or in tags."""
    wanted = _groups(truth)
    lists = _SOLUTION.findall(answer) or _BOLD.findall(answer.replace("\n", ""))
    shares = [sum(group in _groups(text) for group in wanted) / len(wanted) for text in lists]
    return max(shares, default=0.0)


def _groups(text: str) -> list[set[str]]:
    words = [word.strip().lower() for word in text.split(",")]
    return [set(words[at : at + _IN_A_GROUP]) for at in range(0, len(words), _IN_A_GROUP)]


def order_of_plot(answer: str, truth: str) -> float:
    """1 less the share of changes in the order of sentences, each found by its likeness."""
    text = answer.rpartition("<PLOT_SUMMARY>")[2].replace("</PLOT_SUMMARY>", "")
    given, wanted = (
        [part.strip() for part in plot.split(".") if part.strip()][:_MOST_SENTENCES]
        for plot in (text, truth)
    )
    found = (difflib.get_close_matches(part, given, n=1, cutoff=0.0) for part in wanted)
    order = [given.index(match[0]) for match in found if match]
    return 1 - edit_distance(list(range(len(wanted))), order) / max(len(wanted), 1)


def type_of_column(answer: str, truth: str) -> float:
    """The name, without case and marks."""
    boxed = final_result(answer) if "\\boxed" in answer else answer
    given, wanted = (re.sub(r"\W", "", text.lower()) for text in (boxed, truth))
    return float(given == wanted)


def join_of_tables(answer: str, truth: str) -> float:
    """F1 of the pairs of columns in the last record of the answer."""
    blocks = re.findall(r"```(?:python|json)?(.*?)```", answer, re.DOTALL)
    given = python_literal((blocks or [final_result(answer)])[-1])
    wanted = python_literal(truth)
    if not isinstance(given, dict) or not isinstance(wanted, dict) or not given:
        return 0.0
    right = sum(wanted.get(key) == value for key, value in given.items())
    missing = sum(not given.get(key) or given[key] != value for key, value in wanted.items())
    return 2 * right / (2 * right + len(given) - right + missing)


RULES: Mapping[str, Rule] = {
    "amc": competition_choice,
    "smc": competition_choice,
    "aime": competition_number,
    "AMPS_Hard": expression,
    "imo": order_of_formulas,
    "usamo": order_of_formulas,
    "web_of_lies_v2": web_of_lies,
    "zebra_puzzle": zebra,
    "spatial": spatial,
    "typos": typos,
    "connections": connections,
    "plot_unscrambling": order_of_plot,
    "cta": type_of_column,
    "tablejoin": join_of_tables,
}
"""By task; of competitions by the beginning of their sub-task."""
