"""Small functions in Python and JavaScript, with what they return.

Owns: the functions, their values, faults that can be put into them. Does not own: questions about
them (``code``). No code is run here: the values come from Python functions of our own that do the
same, and tests run the printed code against them.

    Recipe -> python text, javascript text, faulty text, arguments -> value
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qvl.data.synth.picking import pick

Value = int | str | bool | list[int] | list[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Function:
    """A function in two languages.

    Attributes:
        name: of the function.
        does: what it does, after "a function that".
        python: its text.
        javascript: its text, which does the same.
        fault: a piece of the Python text, and what a mistake makes of it.
        explains: what is wrong with the mistake.
        arguments: draws arguments.
        value: what it returns.
        faulty_value: what the function with the mistake returns.
    """

    name: str
    does: str
    python: str
    javascript: str
    fault: tuple[str, str]
    explains: str
    arguments: Callable[[np.random.Generator], tuple[Any, ...]]
    value: Callable[..., Value]
    faulty_value: Callable[..., Value]

    @property
    def faulty(self) -> str:
        """The Python text with the mistake."""
        assert self.fault[0] in self.python
        return self.python.replace(*self.fault)


_WORDS = ("level", "stone", "banana", "river", "noon", "summer", "civic", "orange", "kayak", "tree")


def _numbers(rng: np.random.Generator) -> tuple[list[int]]:
    return ([int(v) for v in rng.integers(-9, 20, int(rng.integers(3, 7)))],)


def _positive(rng: np.random.Generator) -> tuple[int]:
    return (int(rng.integers(2, 60)),)


def _word(rng: np.random.Generator) -> tuple[str]:
    return (pick(rng, _WORDS),)


def _digits(number: int) -> int:
    return sum(map(int, str(number)))


def _factorial(number: int, start: int = 1) -> int:
    result = 1
    for factor in range(2, number + start):
        result *= factor
    return result


def _running(numbers: Sequence[int]) -> list[int]:
    return [sum(numbers[: i + 1]) for i in range(len(numbers))]


def _divisors(number: int) -> list[int]:
    return [d for d in range(1, number + 1) if number % d == 0]


FUNCTIONS = (
    Function(
        name="sum_even",
        does="adds up the even numbers of a list",
        python="def sum_even(numbers):\n    total = 0\n    for n in numbers:\n"
        "        if n % 2 == 0:\n            total += n\n    return total",
        javascript="function sumEven(numbers) {\n  let total = 0;\n  for (const n of numbers) {\n"
        "    if (n % 2 === 0) total += n;\n  }\n  return total;\n}",
        fault=("n % 2 == 0", "n % 2 == 1"),
        explains="The test `n % 2 == 1` is true for odd numbers, so the odd ones are added up.",
        arguments=_numbers,
        value=lambda numbers: sum(n for n in numbers if n % 2 == 0),
        faulty_value=lambda numbers: sum(n for n in numbers if n % 2 == 1),
    ),
    Function(
        name="count_vowels",
        does="counts the vowels of a word",
        python='def count_vowels(word):\n    return sum(1 for c in word.lower() if c in "aeiou")',
        javascript="function countVowels(word) {\n"
        '  return [...word.toLowerCase()].filter((c) => "aeiou".includes(c)).length;\n}',
        fault=("if c in", "if c not in"),
        explains="`not in` counts the letters that are no vowels.",
        arguments=_word,
        value=lambda word: sum(c in "aeiou" for c in word),
        faulty_value=lambda word: sum(c not in "aeiou" for c in word),
    ),
    Function(
        name="is_palindrome",
        does="tells whether a word reads the same backwards",
        python="def is_palindrome(word):\n    return word == word[::-1]",
        javascript="function isPalindrome(word) {\n"
        '  return word === [...word].reverse().join("");\n}',
        fault=("word[::-1]", "word[:-1]"),
        explains="`word[:-1]` is the word without its last letter; `word[::-1]` is it backwards.",
        arguments=_word,
        value=lambda word: word == word[::-1],
        faulty_value=lambda word: word == word[:-1],
    ),
    Function(
        name="factorial",
        does="returns the product of all whole numbers from 1 to n",
        python="def factorial(n):\n    result = 1\n    for factor in range(2, n + 1):\n"
        "        result *= factor\n    return result",
        javascript="function factorial(n) {\n  let result = 1;\n"
        "  for (let factor = 2; factor <= n; factor++) result *= factor;\n  return result;\n}",
        fault=("n + 1", "n"),
        explains="`range(2, n)` ends at n - 1, so the last factor is left out.",
        arguments=lambda rng: (int(rng.integers(3, 9)),),
        value=_factorial,
        faulty_value=lambda n: _factorial(n, 0),
    ),
    Function(
        name="digit_sum",
        does="adds up the digits of a number",
        python="def digit_sum(number):\n    total = 0\n    while number > 0:\n"
        "        total += number % 10\n        number //= 10\n    return total",
        javascript="function digitSum(number) {\n  let total = 0;\n  while (number > 0) {\n"
        "    total += number % 10;\n    number = Math.floor(number / 10);\n  }\n"
        "  return total;\n}",
        fault=("number > 0", "number > 9"),
        explains="The loop ends while one digit is left, so the first digit is never added.",
        arguments=lambda rng: (int(rng.integers(100, 99_999)),),
        value=_digits,
        faulty_value=lambda number: _digits(number) - int(str(number)[0]),
    ),
    Function(
        name="largest",
        does="finds the largest number of a list",
        python="def largest(numbers):\n    best = numbers[0]\n    for n in numbers[1:]:\n"
        "        if n > best:\n            best = n\n    return best",
        javascript="function largest(numbers) {\n  let best = numbers[0];\n"
        "  for (const n of numbers.slice(1)) {\n    if (n > best) best = n;\n  }\n"
        "  return best;\n}",
        fault=("n > best", "n < best"),
        explains="The comparison is the wrong way round, so the smallest number is found.",
        arguments=_numbers,
        value=lambda numbers: max(numbers),
        faulty_value=lambda numbers: min(numbers),
    ),
    Function(
        name="running_totals",
        does="returns the sums of the first one, two, three, ... numbers of a list",
        python="def running_totals(numbers):\n    totals = []\n    total = 0\n"
        "    for n in numbers:\n        total += n\n        totals.append(total)\n"
        "    return totals",
        javascript="function runningTotals(numbers) {\n  let total = 0;\n"
        "  return numbers.map((n) => (total += n));\n}",
        fault=("total += n", "total = n"),
        explains="`total = n` forgets what was added before.",
        arguments=_numbers,
        value=_running,
        faulty_value=lambda numbers: list(numbers),
    ),
    Function(
        name="divisors",
        does="lists all divisors of a number",
        python="def divisors(number):\n"
        "    return [d for d in range(1, number + 1) if number % d == 0]",
        javascript="function divisors(number) {\n  const found = [];\n"
        "  for (let d = 1; d <= number; d++) {\n    if (number % d === 0) found.push(d);\n  }\n"
        "  return found;\n}",
        fault=("number + 1", "number"),
        explains="`range(1, number)` stops before the number, which divides itself.",
        arguments=_positive,
        value=_divisors,
        faulty_value=lambda number: _divisors(number)[:-1],
    ),
    Function(
        name="without_repeats",
        does="removes repeated numbers from a list and keeps the order",
        python="def without_repeats(numbers):\n    seen = []\n    for n in numbers:\n"
        "        if n not in seen:\n            seen.append(n)\n    return seen",
        javascript="function withoutRepeats(numbers) {\n  return [...new Set(numbers)];\n}",
        fault=("n not in seen", "n in seen"),
        explains="The test is the wrong way round: nothing is in the list at first, so nothing is "
        "ever put into it.",
        arguments=lambda rng: ([int(v) for v in rng.integers(1, 6, int(rng.integers(4, 9)))],),
        value=lambda numbers: list(dict.fromkeys(numbers)),
        faulty_value=lambda numbers: [],
    ),
    Function(
        name="initials",
        does="returns the first letters of all words of a name in capitals",
        python='def initials(name):\n    return "".join(part[0].upper() for part in name.split())',
        javascript="function initials(name) {\n"
        '  return name.split(" ").map((part) => part[0].toUpperCase()).join("");\n}',
        fault=("part[0]", "part[-1]"),
        explains="`part[-1]` is the last letter of a word; the first one is `part[0]`.",
        arguments=lambda rng: (f"{pick(rng, _WORDS)} {pick(rng, _WORDS)}",),
        value=lambda name: "".join(part[0].upper() for part in name.split()),
        faulty_value=lambda name: "".join(part[-1].upper() for part in name.split()),
    ),
)
