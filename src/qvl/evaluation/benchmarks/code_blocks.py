"""Programs in answers: the block that holds them, and how one is joined with its tests.

Owns: finding code, continuing a function whose beginning was asked with. Does not own running it
(``sandbox``), nor what each language needs (``multipl_e``).

    answer -> code_in -> code;  prompt, code, tests -> joined -> program
"""

import re
from dataclasses import dataclass

_BLOCK = re.compile(
    r"^[ \t]*```[ \t]*([\w+#.-]*)[^\n]*\n(.*?)(?:^[ \t]*```|\Z)", re.DOTALL | re.MULTILINE
)
_LONGEST = 100_000


def code_in(answer: str, *, defines: str = "") -> str:
    """Returns the code of an answer: the last block that has a word, else the longest, else all.

    >>> code_in("```python\\ndef f(): ...\\n```\\nUse:\\n```\\nf()\\n```", defines="def f")
    'def f(): ...\\n'

    Args:
        answer: as the model wrote it.
        defines: what the code has to contain, such as the name of its function.
    """
    blocks = [code for _, code in _BLOCK.findall(answer[:_LONGEST])]
    if not blocks:
        return answer[:_LONGEST]
    fitting = [code for code in blocks if defines and defines in code]
    return fitting[-1] if fitting else max(blocks, key=len)


@dataclass(frozen=True, kw_only=True, slots=True)
class Syntax:
    """What of a language matters for finding where a function ends.

    Attributes:
        skipped: pattern of strings and comments, whose braces do not count.
        entry: what begins a program of its own, which the tests have theirs of; empty if none.
    """

    skipped: str
    entry: str = ""

    def end_of_block(self, text: str) -> int:
        """The place of the brace that closes a block already open; the length if none does.

        >>> C_LIKE.end_of_block(' if (x) { y = "}"; } // }\\n} rest')
        26
        """
        depth = 1
        for token in re.finditer(rf"(?:{self.skipped})|[{{}}]", text, re.DOTALL):
            depth += {"{": 1, "}": -1}.get(token.group(), 0)
            if depth == 0:
                return token.start()
        return len(text)


_QUOTED = r'"(?:\\.|[^"\\])*"'
_COMMENTS = r"//[^\n]*|/\*.*?\*/"
C_LIKE = Syntax(skipped=rf"{_QUOTED}|'(?:\\[^\n]{{1,8}}|[^'\\\n])'|{_COMMENTS}")
SCRIPT = Syntax(skipped=rf"{_QUOTED}|'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`|{_COMMENTS}")
SHELL = Syntax(skipped=rf"{_QUOTED}|'[^']*'|(?:(?<=\s)|^)\#[^\n]*")


def joined(prompt: str, code: str, tests: str, syntax: Syntax) -> str:
    """Returns a program of a function that a prompt begins, an answer has whole, and tests follow.

    Where the tests begin with the brace that closes the function, that of the answer is left out;
    what the answer has after its function comes after theirs. Lines of the prompt that the answer
    left out, such as imports, are put before it. An answer without the function's first line
    continues the prompt.

    >>> code = "int g() { return 1; }\\nint f() {\\n  return g();\\n}"
    >>> print(joined("#include <a>\\nint f() {\\n", code, "}\\nint main() {}", C_LIKE))
    #include <a>
    int g() { return 1; }
    int f() {
      return g();
    }
    int main() {}

    Args:
        prompt: ends in the first line of the function.
        code: of the answer.
        tests: that follow the function's last statement.
        syntax: of the language.
    """
    lines, head = code.splitlines(), prompt.rstrip().splitlines()
    first = _plain(head[-1]) if head else ""
    places = [number for number, line in enumerate(lines) if _plain(line) == first and first]
    if not places:
        before, after = prompt.rstrip() + "\n", code
    else:
        own = lines[: places[-1]]
        known = {_plain(line) for line in own}
        left_out = [line for line in head[:-1] if _plain(line) not in known]
        before = "\n".join([*left_out, *own, lines[places[-1]]]) + "\n"
        after = "\n".join(lines[places[-1] + 1 :])
    if not tests.lstrip().startswith("}"):
        return f"{before}{after}\n{tests}"
    end = syntax.end_of_block(after)
    rest = after[end + 1 :]
    rest = rest[: syntax.end_of_block(rest)]  # a class that the tests close themselves
    if syntax.entry:
        rest = re.split(syntax.entry, rest, maxsplit=1)[0]
    brace, remaining = tests.index("}"), rest.strip("\n")
    between = f"\n{remaining}\n" if remaining else ""
    return f"{before}{after[:end].rstrip()}\n{tests[: brace + 1]}{between}{tests[brace + 1 :]}"


def _plain(line: str) -> str:
    return "".join(line.split())
