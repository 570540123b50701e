"""Values of mathematical expressions as people and models write them: plain text or LaTeX.

Owns: numbers, fractions, roots, powers, functions, percentages, intervals, tuples, sets, matrices,
relations. Does not own: finding the answer in prose, and when two values are the same (``maths``).

    text -> tokens -> one pass that computes as it reads -> Value, or UnreadableMaths

Nothing is executed: the text is read by this grammar and by nothing else. Letters are unknowns;
they get values that depend on their name and on a sample number, so two expressions that agree in
several samples are the same expression. Time and size are bounded by the number of tokens.
"""

import cmath
import math
import re
from collections.abc import Callable
from dataclasses import dataclass

MAX_TOKENS = 400
_MAX_DEPTH = 30
_LARGEST_FACTORIAL = 170
"""Of a float."""

_TOKEN = re.compile(
    r"\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\d)|\d+(?:\.\d*)?|\.\d+|\\[a-zA-Z]+|\\.|\*\*|<=|>=|!=|\S",
    re.DOTALL,
)
_DROPPED = frozenset(
    (
        "\\left", "\\right", "\\displaystyle", "\\limits", "\\,", "\\;", "\\!", "\\:", "\\ ",
        "\\quad", "\\qquad", "\\$", "$", "~", "\\big", "\\Big", "\\bigg", "\\Bigg",
    )
)  # fmt: skip
_SPELLINGS = {
    "\\dfrac": "\\frac", "\\tfrac": "\\frac", "\\cfrac": "\\frac", "\\times": "*", "\\cdot": "*",
    "×": "*", "·": "*", "⋅": "*", "\\ast": "*", "÷": "/", "\\div": "/", "−": "-", "–": "-",
    "**": "^", "\\%": "%", "％": "%", "π": "\\pi", "∞": "\\infty", "√": "\\sqrt", "°": "\\degree",
    "\\leq": "<=", "\\le": "<=", "≤": "<=", "\\leqslant": "<=", "\\geq": ">=", "\\ge": ">=",
    "≥": ">=", "\\geqslant": ">=", "\\lt": "<", "\\gt": ">", "\\neq": "!=", "\\ne": "!=",
    "≠": "!=", "∪": "\\cup", "±": "\\pm", "\\lbrace": "\\{", "\\rbrace": "\\}", "\\lbrack": "[",
    "\\rbrack": "]", "\\lvert": "|", "\\rvert": "|", "\\vert": "|", "∅": "\\emptyset",
    "\\varnothing": "\\emptyset",
}  # fmt: skip
_FUNCTIONS: dict[str, Callable[[complex], complex]] = {
    "sqrt": cmath.sqrt, "sin": cmath.sin, "cos": cmath.cos, "tan": cmath.tan,
    "cot": lambda x: 1 / cmath.tan(x), "sec": lambda x: 1 / cmath.cos(x),
    "csc": lambda x: 1 / cmath.sin(x), "arcsin": cmath.asin, "arccos": cmath.acos,
    "arctan": cmath.atan, "sinh": cmath.sinh, "cosh": cmath.cosh, "tanh": cmath.tanh,
    "exp": cmath.exp, "ln": cmath.log, "log": cmath.log10, "abs": lambda x: complex(abs(x)),
}  # fmt: skip
_FUNCTION_WORD = re.compile(rf"(?<![a-zA-Z\\])({'|'.join([*_FUNCTIONS, 'pi'])})(?![a-zA-Z])")
_CONSTANTS = {"\\pi": math.pi, "\\infty": math.inf}
_RELATIONS = frozenset(("=", "<", ">", "<=", ">=", "!="))
_CLOSING = {"(": ")", "[": "]"}
_MATRIX = re.compile(r"\\begin\{([pbvV]?matrix|array)\}(?:\{[lcr|]*\})?(.*?)\\end\{\1\}", re.DOTALL)
_GREEK = re.compile(r"\\(?:alpha|beta|gamma|delta|theta|lambda|mu|rho|sigma|phi|omega|varphi)")


class UnreadableMaths(ValueError):
    """The text is no expression of this grammar."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Several values together."""

    kind: str
    """Its brackets ("()", "(]" ...), "set", "matrix", "row", "union", or a relation ("=", "<")."""
    items: tuple["Value", ...]

    @property
    def is_ordered(self) -> bool:
        """Whether the order of the items means something."""
        return self.kind not in ("set", "union")


Value = complex | Group


def read_value(text: str, *, sample: int = 0) -> Value:
    """Computes the value of an expression.

    >>> read_value("\\\\frac{1}{4} + 50\\\\%"), read_value("[0, 1)").kind
    ((0.75+0j), '[)')

    Args:
        text: one expression, interval, set ...
        sample: which values the unknowns get.

    Raises:
        UnreadableMaths: it is none, is too long, or has no value.
    """
    try:
        matrix = _MATRIX.fullmatch(text.strip())
        if matrix is not None:
            return _matrix(matrix.group(2), sample)
        reader = _Reader(_tokens(text), sample)
        value = reader.everything()
    except (ArithmeticError, ValueError) as error:
        raise UnreadableMaths(str(error)) from error
    return value


def _matrix(body: str, sample: int) -> Group:
    rows = [row for row in re.split(r"\\\\", body) if row.strip()]
    cells = [tuple(read_value(cell, sample=sample) for cell in row.split("&")) for row in rows]
    return Group(kind="matrix", items=tuple(Group(kind="row", items=row) for row in cells))


def _tokens(text: str) -> list[str]:
    if len(text) > 8 * MAX_TOKENS:
        raise UnreadableMaths(f"{len(text):,} characters")
    text = _FUNCTION_WORD.sub(r"\\\1 ", text)
    tokens = [_SPELLINGS.get(token, token) for token in _TOKEN.findall(text)]
    tokens = [token for token in tokens if token not in _DROPPED]
    if not 0 < len(tokens) <= MAX_TOKENS:
        raise UnreadableMaths(f"{len(tokens)} tokens")
    return tokens


class _Reader:
    """Goes through the tokens once, by recursive descent; each method reads what it is named."""

    def __init__(self, tokens: list[str], sample: int) -> None:
        self.tokens = tokens
        self.sample = sample
        self.at = 0
        self.depth = 0

    def everything(self) -> Value:
        value = self.listing()
        if self.at < len(self.tokens):
            raise UnreadableMaths(f"{self.peek()!r} is left over")
        return value

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, *wanted: str) -> bool:
        if self.peek() in wanted and self.peek():
            self.at += 1
            return True
        return False

    def expect(self, token: str) -> None:
        if not self.take(token):
            raise UnreadableMaths(f"{self.peek()!r} stands where {token!r} was expected")

    def listing(self) -> Value:
        """Values with commas between them: a set, as of solutions."""
        items = [self.union()]
        while self.take(",", ";"):
            items.append(self.union())
        return items[0] if len(items) == 1 else Group(kind="set", items=tuple(items))

    def union(self) -> Value:
        items = [self.relation()]
        while self.take("\\cup"):
            items.append(self.relation())
        return items[0] if len(items) == 1 else Group(kind="union", items=tuple(items))

    def relation(self) -> Value:
        sides = [self.sum()]
        signs = []
        while self.peek() in _RELATIONS:
            signs.append(self.peek())
            self.at += 1
            sides.append(self.sum())
        if not signs:
            return sides[0]
        if all(sign in (">", ">=") for sign in signs):  # 3 > x is x < 3
            sides.reverse()
            signs = [sign.replace(">", "<") for sign in reversed(signs)]
        return Group(kind=" ".join(signs), items=tuple(sides))

    def sum(self) -> Value:
        value = self.product()
        while self.peek() in ("+", "-", "\\pm"):
            sign = self.peek()
            self.at += 1
            if sign == "\\pm":
                left, right = _number(value), _number(self.product())
                return Group(kind="set", items=(left + right, left - right))
            right = _number(self.product())
            value = _number(value) + (right if sign == "+" else -right)
        return value

    def product(self) -> Value:
        value = self.signed()
        while True:
            if self.take("*"):
                value = _number(value) * _number(self.signed())
            elif self.take("/"):
                value = _number(value) / _number(self.signed())
            elif self.begins_factor():
                value = _number(value) * _number(self.power())
            else:
                return value

    def begins_factor(self) -> bool:
        token = self.peek()
        return bool(token) and (
            token[0].isalnum() or token in ("(", "\\{", "{") or self.is_command(token)
        )

    def is_command(self, token: str) -> bool:
        known = token in _CONSTANTS or token in ("\\frac", "\\sqrt") or token[1:] in _FUNCTIONS
        return token.startswith("\\") and (known or _GREEK.fullmatch(token) is not None)

    def signed(self) -> Value:
        if self.take("-"):
            return -_number(self.signed())
        if self.take("+"):
            return self.signed()
        if self.take("\\pm"):
            value = _number(self.signed())
            return Group(kind="set", items=(value, -value))
        return self.power()

    def power(self) -> Value:
        value = self.postfix(self.atom())
        if self.take("^"):
            if self.take("\\circ", "\\degree"):
                return value
            if self.peek() == "{" and self.tokens[self.at + 1 : self.at + 3] == ["\\circ", "}"]:
                self.at += 3
                return value
            exponent = self.atom() if self.peek() == "{" else self.signed()
            value = self.postfix(_power(_number(value), _number(exponent)))
        return value

    def postfix(self, value: Value) -> Value:
        while True:
            if self.take("%"):
                value = _number(value) / 100
            elif self.take("!"):
                value = _factorial(_number(value))
            elif not self.take("\\degree"):
                return value

    def argument(self) -> Value:
        """A group in braces, or a single digit or letter, as LaTeX takes it."""
        token = self.peek()
        if token[:1].isdigit() and len(token) > 1:
            self.tokens[self.at : self.at + 1] = [token[0], token[1:]]
        return self.atom()

    def atom(self) -> Value:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise UnreadableMaths("nested too deep")
        value = self.open_atom()
        self.depth -= 1
        return value

    def open_atom(self) -> Value:
        token = self.peek()
        self.at += 1
        if token[:1].isdigit() or (token[:1] == "." and len(token) > 1):
            return self.after_number(token)
        if token in _CLOSING:
            return self.bracketed(token)
        if token == "{":
            value = self.listing()
            self.expect("}")
            return value
        if token == "\\{":
            return self.set_of()
        if token == "|":
            value = complex(abs(_number(self.sum())))
            self.expect("|")
            return value
        if token == "\\emptyset":
            return Group(kind="set", items=())
        if token in _CONSTANTS:
            return complex(_CONSTANTS[token])
        if token == "\\frac":
            return _number(self.argument()) / _number(self.argument())
        if token[:1] == "\\" and token[1:] in _FUNCTIONS:
            return self.function(token[1:])
        if (len(token) == 1 and token.isalpha()) or _GREEK.fullmatch(token):
            return self.unknown(token)
        raise UnreadableMaths(f"{token!r} begins no value")

    def after_number(self, token: str) -> complex:
        value = complex(float(token.replace(",", "")))
        # "2\frac{1}{3}" is a mixed number.
        if self.peek() == "\\frac" and token.isdigit():
            brace, top, _, _, bottom, _ = (*self.tokens[self.at + 1 : self.at + 7], *[""] * 6)[:6]
            if brace == "{" and top.isdigit() and bottom.isdigit():
                self.at += 1
                return value + _number(self.argument()) / _number(self.argument())
        return value

    def bracketed(self, opening: str) -> Value:
        """One value in brackets, or several: a tuple, a point, an interval."""
        items = [self.union()]
        while self.take(",", ";"):
            items.append(self.union())
        closing = self.peek()
        if closing not in (")", "]"):
            raise UnreadableMaths(f"{closing!r} stands where a bracket was expected")
        self.at += 1
        if len(items) == 1 and closing == _CLOSING[opening]:
            return items[0]
        return Group(kind=opening + closing, items=tuple(items))

    def set_of(self) -> Value:
        items: list[Value] = []
        while not self.take("\\}"):
            items.append(self.union())
            if not self.take(",", ";") and self.peek() != "\\}":
                raise UnreadableMaths(f"{self.peek()!r} stands in a set")
        return Group(kind="set", items=tuple(items))

    def function(self, name: str) -> complex:
        if name == "sqrt":
            degree = 2 + 0j
            if self.take("["):
                degree = _number(self.sum())
                self.expect("]")
            return _power(_number(self.argument()), 1 / degree)
        base = None
        if self.take("_"):
            base = _number(self.argument())
        exponent = _number(self.argument()) if self.take("^") else None
        value = _number(self.power())
        result = (
            cmath.log(value) / cmath.log(base)
            if name == "log" and base is not None
            else _FUNCTIONS[name](value)
        )
        return result if exponent is None else _power(result, exponent)

    def unknown(self, name: str) -> complex:
        if name == "i":
            return 1j
        if name == "e":
            return complex(math.e)
        if self.take("_"):
            index = self.at
            self.argument()
            name += "".join(self.tokens[index : self.at])
        # Any values will do that differ between names and samples and are not special.
        seed = sum(ord(char) * (place + 1) for place, char in enumerate(name))
        return complex(0.3 + math.modf(seed * 0.6180339887 + self.sample * 0.4142135623)[0] * 2)


def _number(value: Value) -> complex:
    if isinstance(value, Group):
        raise UnreadableMaths(f"a {value.kind} where a number was expected")
    return value


def _power(base: complex, exponent: complex) -> complex:
    if base.imag == 0 and base.real < 0 and exponent.imag == 0:
        root = 1 / exponent.real if exponent.real else 0.0
        if abs(root) > 1 and abs(root - round(root)) < 1e-9 and round(root) % 2:
            return complex(-((-base.real) ** exponent.real))  # the real cube root of -8 is -2
    return base**exponent


def _factorial(value: complex) -> complex:
    number = value.real
    if value.imag or number != int(number) or not 0 <= number <= _LARGEST_FACTORIAL:
        raise UnreadableMaths(f"factorial of {number:g}")
    return complex(math.factorial(int(number)))
