"""The text that nested HTML nodes show.

Owns: line breaks, raised and lowered text, sources of formulas, what inline tags hold. Does not
own: which element the text belongs to (``document_builder``).

    nodes and strings -> text_of() -> text with entities decoded
"""

from collections.abc import Sequence

from qvl.tasks.document_elements import verbatim_text
from qvl.tasks.document_reader import INLINE, Child, Node, decode

_DELIMITERS = (("\\[", "\\]"), ("\\(", "\\)"), ("$", "$"))


def text_of(children: Sequence[Child]) -> str:
    """The text that nodes show; blocks stand on lines of their own."""
    if len(children) == 1 and isinstance(children[0], str):
        return decode(children[0])
    return "".join(map(_shown, children))


def _shown(child: Child) -> str:
    if isinstance(child, str):
        return decode(child)
    if child.name in ("br", "img"):
        return "\n" if child.name == "br" else ""
    text = text_of(child.children) + "\n".join(decode(text) for *_, text in child.cells)
    if child.name in ("sup", "sub"):
        return _script(child.name, text.strip())
    return text if child.name in INLINE else f"\n{text}\n"


def _script(name: str, text: str) -> str:
    """Raised or lowered text as inline LaTeX, so that 10 to the 3 does not read 103."""
    inner = text[1:-1] if len(text) > 2 and text[0] == text[-1] == "$" else text
    mark = "^" if name == "sup" else "_"
    return f"${mark}{{{inner}}}$" if inner and "$" not in inner else text


def source_and_text(node: Node) -> tuple[str, str]:
    """What the inner div holds, and what stands around it; all is source when there is none."""
    sources: list[str] = []
    others: list[Child] = []
    for child in node.children:
        if isinstance(child, Node) and child.name in ("div", "pre", "p"):
            sources.append(verbatim_text(text_of(child.children)))
        else:
            others.append(child)
    return ("\n".join(sources), text_of(others)) if sources else (text_of(others), "")


def without_delimiters(latex: str) -> str:
    """LaTeX without the signs around it."""
    latex = verbatim_text(latex)
    if len(latex) >= 4 and latex.startswith("$$") and latex.endswith("$$"):
        return latex[2:-2]
    for opening, closing in _DELIMITERS:
        if latex.startswith(opening) and latex.endswith(closing):
            inner = latex[len(opening) : len(latex) - len(closing)]
            return inner if inner and opening not in inner else latex
    return latex
