"""HTML as values: escaped once, at the place where it is written.

Owns: tags. Does not own: widgets (``widgets``), looks (``look``).

    tag("b", "5 < 6", class_="big") -> Html('<b class="big">5 &lt; 6</b>')
"""

import html
import json
from typing import Any

_VOID = frozenset({"input", "img", "br", "hr", "meta"})


class Html(str):
    """Text that is markup already; any other string is escaped when it goes into a tag."""

    __slots__ = ()


def join(*children: Any) -> Html:
    """Returns the children one after another; None is nothing, an iterable is its members.

    >>> join("a < b", None, [Html("<br>"), "c"])
    'a &lt; b<br>c'
    """
    parts: list[str] = []
    for child in children:
        if child is None:
            continue
        if isinstance(child, Html):
            parts.append(child)
        elif isinstance(child, str):
            parts.append(html.escape(child, quote=False))
        else:
            parts.append(join(*child))
    return Html("".join(parts))


def tag(name: str, *children: Any, **attributes: Any) -> Html:
    """Returns one element.

    Args:
        name: of the element.
        children: as for `join`.
        attributes: ``class_`` is "class", ``data_e`` is "data-e"; True stands alone, None and False
            are left out, lists and dictionaries are written as JSON.

    >>> tag("a", "x", class_="y", data_do=[["pop"]], hidden=True, title=None)
    '<a class="y" data-do="[[&quot;pop&quot;]]" hidden>x</a>'
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _VOID:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{join(*children)}</{name}>")


def div(class_: str, *children: Any, **attributes: Any) -> Html:
    """Returns a ``div`` of a class."""
    return tag("div", *children, class_=class_, **attributes)


def _attribute(key: str, value: Any) -> str:
    name = key.rstrip("_").replace("_", "-")
    if value is None or value is False:
        return ""
    if value is True:
        return f" {name}"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f' {name}="{html.escape(text)}"'
