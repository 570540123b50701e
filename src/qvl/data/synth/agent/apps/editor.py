"""A text editor with menus, a tool bar and keys; a phone has the tool bar only."""

from typing import Any

import numpy as np

from qvl.data.synth.agent import content
from qvl.data.synth.agent.app import App, Fact, Intent, Question, Task, click, enter
from qvl.data.synth.agent.icons import icon
from qvl.data.synth.agent.look import Device
from qvl.data.synth.agent.markup import Html, div, join, tag
from qvl.data.synth.agent.widgets import (
    button,
    choices,
    dialog,
    field,
    heading,
    icon_button,
    menu,
    menu_entry,
    pick,
)


def editor(rng: np.random.Generator, device: Device) -> App:
    """Returns a text with menus, a tool bar and keys; a phone has the tool bar only."""
    name, title = content.app_name(rng, "editor"), content.titles(rng, 1)[0]
    lines = content.sentences(rng, int(rng.integers(6, 10)))
    zooms = ("75 %", "100 %", "125 %", "150 %")
    fonts = ("Sans", "Serif", "Mono", "Rounded")
    save: list[list[Any]] = [["set", "saved", True], ["say", "All changes saved"]]
    menus = _menus(save)
    layers = _layers(menus)
    bar = _bar(menus, device)
    formats = [
        ("bold", "Bold", "make the text bold"), ("italic", "Italic", "make the text slanted"),
        ("underline", "Underline", "underline the text"),
    ]  # fmt: skip
    tool = _tool(formats, device)
    sheet = div(
        "grow scroll pad",
        div(
            "card narrow col", tag("h1", data_text="title", data_e="headline"),
            [tag("p", line, data_e=f"line:{i}") for i, line in enumerate(lines)],
            style="padding:7%",
        ),
        style="background:var(--sunken)",
    )  # fmt: skip
    main = _main(bar, lines, save, sheet, tool)
    body = _body(fonts, layers, main, zooms)
    fresh, mail = content.titles(rng, 1)[0], content.address(rng, content.people(rng, 1)[0])
    font, zoom = content.one(rng, fonts[1:]), content.one(rng, [z for z in zooms if z != "100 %"])
    a, b = content.some(rng, ("garden", "river", "meeting", "Monday", "train"), 2)
    share = Task(
        goal=f"Share the text with {mail}.",
        plan=(
            click("share", "Sharing has a button of its own."),
            enter("who", mail, "I type the address."), click("share-yes", "Invite shares it."),
        ),
        ends={"shared": [{"draft.who": mail}]},
    )  # fmt: skip
    fonts_task = Task(
        goal=f"Use the font {font} and make the text bold.",
        plan=(
            click("font", "I open the list of fonts."),
            click(f"font:{font}", f"{font} is in the list."),
            click("bold", "The B makes it bold."),
        ),
        ends={"Font": font, "bold": True},
    )
    desk_only = _desk_only(a, b, fresh, zoom)
    state = _state(fonts, title)
    return App(
        name=name, kind="editor", icon="pen", body=body, state=state,
        about=f"A text editor called {name} with the text “{title}” open",
        facts=(
            Fact(
                text="A tool bar has buttons for bold, slanted and underlined text.",
                seen=("bold", "italic", "underline"),
            ),
            Fact(text=f"The first line is “{lines[0]}”", seen=("line:0",)),
        ),
        questions=_questions(fonts, lines, title),
        tasks=(share, fonts_task) if device.is_mobile else (*desk_only, share, fonts_task),
        looks=(("share",), ("font",)) if device.is_mobile
        else (("bar:File",), ("bar:Edit",), ("bar:Format",), ("bar:Edit", "m:find")),
        hot={
            "ctrl+s": save, "ctrl+b": [["toggle", "bold"]], "ctrl+i": [["toggle", "italic"]],
            "ctrl+z": [["count", "undone", 1]],
        },
    )  # fmt: skip


def _menus(save: list[list[Any]]) -> dict[str, Any]:
    return {
        "File": [
            ("new", "New", [["say", "A new text"]], "Ctrl+N"), ("save", "Save", save, "Ctrl+S"),
            ("print", "Print", [["switch", "print"]], "Ctrl+P"),
            ("rename", "Rename", [["switch", "title"]], ""),
        ],
        "Edit": [
            ("undo", "Undo", [["count", "undone", 1]], "Ctrl+Z"),
            ("redo", "Redo", [["say", "Nothing to redo"]], "Ctrl+Y"),
            ("find", "Find and replace", [["switch", "find"]], "Ctrl+H"),
        ],
        "View": [
            ("spelling", "Spelling", [["toggle", "spelling"]], "F7"),
            ("ruler", "Ruler", [["toggle", "ruler"]], ""),
            ("full", "Full screen", [["say", "Full screen"]], "F11"),
        ],
        "Format": [
            ("bold-m", "Bold", [["toggle", "bold"]], "Ctrl+B"),
            ("italic-m", "Italic", [["toggle", "italic"]], "Ctrl+I"),
            ("columns", "Two columns", [["toggle", "columns"]], ""),
        ],
    }  # fmt: skip


def _layers(menus: dict[str, Any]) -> list[Html]:
    return [
        menu(
            f"menu:{head}",
            [
                menu_entry(
                    f"m:{e}", text, [["pop"], *do] if not do or do[0][0] != "switch" else do,
                    key=key,
                )
                for e, text, do, key in entries
            ],
            title=head,
        )
        for head, entries in menus.items()
    ]  # fmt: skip


def _bar(menus: dict[str, Any], device: Device) -> Html | None:
    return (
        None if device.is_mobile
        else div(
            "row tight fixed",
            [
                tag(
                    "button", head, class_="btn plain", data_e=f"bar:{head}", data_kind="menu",
                    data_use=f"open the menu {head}", data_do=[["open", f"menu:{head}"]],
                    style="padding:.35em .8em;color:inherit;box-shadow:none",
                )
                for head in menus
            ],
            style="padding:.1em .4em",
        )
    )  # fmt: skip


def _tool(formats: list[tuple[str, str, str]], device: Device) -> Html:
    return div(
        "row tight pad fixed",
        [] if device.is_mobile
        else [
            icon_button(
                "undo", "undo", "Undo", [["count", "undone", 1]], use="take back the last change",
            ),
            icon_button(
                "redo", "redo", "Redo", [["say", "Nothing to redo"]], use="do the change again",
            ),
            icon_button("print", "print", "Print", [["open", "print"]], use="print the text"),
        ],
        [icon_button(e, e, label, [["toggle", e]], use=use, lit=e) for e, label, use in formats],
        icon_button(
            "link", "link", "Insert link", [["say", "Choose some text first"]],
            use="insert a link",
        ),
        icon_button(
            "picture", "picture", "Insert picture", [["say", "No pictures found"]],
            use="insert a picture",
        ),
        tag("span", class_="grow"),
        div("", pick("font", "Font", key="Font", shows_label=False), style="width:8em"),
        None if device.is_mobile
        else div("", pick("zoom", "Zoom", key="Zoom", shows_label=False), style="width:7em"),
        style="border-bottom:1px solid var(--line)",
    )  # fmt: skip


def _main(
    bar: Html | None, lines: list[str], save: list[list[Any]], sheet: Html, tool: Html
) -> Html:
    return join(
        heading(
            icon("pen"), tag("span", data_text="title", class_="title cut"),
            tag("span", class_="grow"),
            icon_button("save", "check", "Save", save, use="save the text"),
            button(
                "share", "Share", [["open", "share"]], style="main-btn", with_icon="share",
                use="share the text",
            ),
        ),
        bar, tool, sheet,
        div(
            "row pad fixed small muted",
            tag("span", f"{sum(len(line.split()) for line in lines)} words", data_e="words"),
            tag("span", class_="grow"), tag("span", "English"), style="padding:.3em 1em",
        ),
    )  # fmt: skip


def _body(
    fonts: tuple[str, str, str, str],
    layers: list[Html],
    main: Html,
    zooms: tuple[str, str, str, str],
) -> Html:
    return join(
        div("", main, data_view="main"), layers, choices("font", "Font", fonts, key="Font"),
        choices("zoom", "Zoom", zooms, key="Zoom"),
        dialog(
            "share", "Share this text", field("who", "E-mail", key="draft.who"),
            actions=[
                button("share-no", "Cancel", [["pop"]], use="close the dialog"),
                button(
                    "share-yes", "Invite",
                    [
                        [
                            "need", ["draft.who"],
                            [
                                ["keep", "shared", "draft.who"], ["clear", "draft.who"], ["pop"],
                                ["say", "Invited"],
                            ],
                        ],
                    ],
                    style="main-btn", use="invite the person",
                ),
            ],
        ),
        dialog(
            "title", "Rename", field("new-title", "Title", key="draft.title"),
            actions=[
                button("title-no", "Cancel", [["pop"]], use="keep the title"),
                button(
                    "title-yes", "OK", [["copy", "draft.title", "title"], ["pop"]],
                    style="main-btn", use="give the new title",
                ),
            ],
        ),
        dialog(
            "print", "Print", tag("p", "Printer: Office 2, 1 copy"),
            actions=[
                button("print-no", "Cancel", [["pop"]], use="do not print"),
                button(
                    "print-yes", "Print", [["set", "printed", True], ["pop"]], style="main-btn",
                    use="print now",
                ),
            ],
        ),
        dialog(
            "find", "Find and replace", field("find-a", "Find", key="draft.find"),
            field("find-b", "Replace with", key="draft.replace"),
            actions=[
                button("find-no", "Close", [["pop"]], use="close the dialog"),
                button(
                    "find-yes", "Replace all",
                    [
                        [
                            "need", ["draft.find", "draft.replace"],
                            [
                                ["keep", "replaced", "draft.find", "draft.replace"], ["pop"],
                                ["say", "Replaced"],
                            ],
                        ],
                    ],
                    style="main-btn", use="replace the words everywhere",
                ),
            ],
        ),
    )  # fmt: skip


def _desk_only(a: str, b: str, fresh: str, zoom: str) -> tuple[Task, Task, Task, Task]:
    return (
        Task(
            goal="Save the text with the keyboard.",
            plan=(Intent(deed="keys", text="ctrl+s", why="Ctrl and S save a text."),),
            ends={"saved": True},
        ),
        Task(
            goal=f"Rename the text to “{fresh}”.",
            plan=(
                click("bar:File", "Renaming is in the File menu."),
                click("m:rename", "There it is."),
                enter("new-title", fresh, "I type the new title."),
                click("title-yes", "OK gives the new title."),
            ),
            ends={"title": fresh},
        ),
        Task(
            goal=f"Replace “{a}” with “{b}” everywhere in the text.",
            plan=(
                click("bar:Edit", "I look in the Edit menu."),
                click("m:find", "Find and replace is what I need."),
                enter("find-a", a, "I enter the old word."),
                enter("find-b", b, "And the new one."), click("find-yes", "Now everywhere."),
            ),
            ends={"replaced": [{"draft.find": a, "draft.replace": b}]},
        ),
        Task(
            goal=f"Turn on the spelling check and zoom to {zoom}.",
            plan=(
                click("bar:View", "The spelling check is something one sees, so I try View."),
                click("m:spelling", "Here it is."),
                click("zoom", "The zoom is on the right of the tool bar."),
                click(f"zoom:{zoom}", f"I choose {zoom}."),
            ),
            ends={"spelling": True, "Zoom": zoom},
        ),
    )  # fmt: skip


def _state(fonts: tuple[str, str, str, str], title: str) -> dict[str, Any]:
    return {
        "title": title, "saved": False, "undone": 0, "spelling": False, "ruler": True,
        "columns": False, "bold": False, "italic": False, "underline": False, "Font": fonts[0],
        "Zoom": "100 %", "printed": False, "draft.title": "", "draft.who": "", "draft.find": "",
        "draft.replace": "",
    }  # fmt: skip


def _questions(
    fonts: tuple[str, str, str, str], lines: list[str], title: str
) -> tuple[Question, ...]:
    return (
        Question(ask="What is the title of the text?", answer=title, seen=("headline",)),
        Question(ask="Which font is chosen?", answer=fonts[0], seen=("font",)),
        Question(
            ask="How does the text begin, after the title?", answer=lines[0],
            seen=("headline", "line:0"),
        ),
        Question(
            ask="How many words does the text have?",
            answer=str(sum(len(line.split()) for line in lines)), seen=("words",),
        ),
    )  # fmt: skip
