"""A file manager: folders and files with menus of their own, as icons or as a list."""

from collections.abc import Sequence

import numpy as np

from qvl.data.synth.agent import content
from qvl.data.synth.agent.app import App, Fact, Intent, Question, Task, click, enter
from qvl.data.synth.agent.icons import icon
from qvl.data.synth.agent.look import Device
from qvl.data.synth.agent.markup import Html, div, join, tag
from qvl.data.synth.agent.widgets import (
    button,
    dialog,
    field,
    heading,
    icon_button,
    menu,
    menu_entry,
    navigation,
    search,
)

_FILES = (
    ("report", "pdf"),
    ("budget", "xlsx"),
    ("holiday", "jpg"),
    ("notes", "txt"),
    ("contract", "pdf"),
    ("logo", "png"),
    ("invoice", "pdf"),
    ("slides", "pptx"),
    ("song", "mp3"),
    ("letter", "docx"),
    ("plan", "docx"),
    ("backup", "zip"),
    ("recipe", "txt"),
    ("garden", "jpg"),
)


_FOLDERS = ("Documents", "Photos", "Projects", "Archive", "Taxes", "Music", "Travel", "Work")


_PICTURES = {"jpg": "picture", "png": "picture", "mp3": "music"}


def files(rng: np.random.Generator, device: Device) -> App:
    """Returns a file manager with folders and files, as icons or as a list."""
    folders = content.some(rng, _FOLDERS, 3)
    found = [
        f"{stem}{'' if rng.random() < 0.5 else f'-{int(rng.integers(2019, 2027))}'}.{end}"
        for stem, end in content.some(rng, _FILES, int(rng.integers(6, 10)))
    ]
    sizes = {
        file: f"{int(rng.integers(2, 990))} {content.one(rng, ('KB', 'KB', 'MB'))}"
        for file in found
    }
    name = content.app_name(rng, "files")
    as_list = device.is_mobile or rng.random() < 0.5
    entries = [
        _entry(folder, "folder", "Folder", as_list, [["set", "folder", folder]], device)
        for folder in folders
    ]
    entries += [
        _entry(
            file, _PICTURES.get(file.rsplit(".", 1)[1], "file"), sizes[file], as_list,
            [["set", "opened", file], ["show", "file"]], device,
        )
        for file in found
    ]  # fmt: skip
    listed = div(
        "lines" if as_list else "grid pad", entries, data_list="files",
        style=None if as_list else "--cell:120px",
    )  # fmt: skip
    tools = _tools(as_list)
    find = search(
        "search", "Search files", key="draft.query", do=[["copy", "draft.query", "files.query"]],
        use="search for a file",
    )  # fmt: skip
    if device.is_mobile:
        main = join(
            heading(
                icon_button("nav", "menu", "Menu", [["say", "Menu"]], use="open the menu"),
                tag("span", name, class_="title", data_e="brand"),
            ),
            div("pad fixed", find), div("row pad fixed", tools), div("grow scroll", listed),
        )  # fmt: skip
    else:
        side = _side_desktop()
        main = join(heading(tools, find), div("main", side, div("grow scroll", listed)))
    body = _body(folders, found, main)
    file, fresh = content.one(rng, found), content.titles(rng, 1)[0]
    new = f"{fresh.lower().replace(' ', '-')}.{file.rsplit('.', 1)[1]}"
    held = Intent(
        deed="context", on=file,
        why=f"Everything that can be done with {file} is in its context menu.",
    )  # fmt: skip
    state = {
        "folder": "Home", "opened": "", "files.query": "", "deleted": [], "favourites": [],
        "draft.name": "", "draft.folder": "", "draft.query": "",
        **{f"name of {item}": item for item in (*folders, *found)},
    }  # fmt: skip
    return App(
        name=name, kind="files", icon="folder", body=body, state=state,
        about=f"A file manager with {len(folders)} folders and {len(found)} files",
        facts=(
            Fact(
                text=f"The folders are {', '.join(folders)}.",
                seen=tuple(f"n:{f}" for f in folders),
            ),
            *(
                Fact(text=f"{f} has a size of {sizes[f]}.", seen=(f"n:{f}", f"s:{f}"))
                for f in found[:3]
            ),
        ),
        questions=(
            *(
                Question(ask=f"How large is {f}?", answer=sizes[f], seen=(f"n:{f}", f"s:{f}"))
                for f in found
            ),
            Question(
                ask="How many folders are shown?", answer=str(len(folders)),
                seen=tuple(f"n:{f}" for f in folders),
            ),
        ),
        tasks=_tasks(file, fresh, held, new), looks=(("new",),),
    )  # fmt: skip


def _entry(
    file: str,
    picture: str,
    size: str,
    as_list: bool,
    do: Sequence[Sequence[object]],
    device: Device,
) -> Html:
    held = [["open", f"menu:{file}"]]
    kind = "folder" if picture == "folder" else "file"
    what = {
        "data_e": file, "data_kind": kind, "data_use": f"open {file}", "aria_label": file,
        "data_held": held, "data_twice": None if device.is_mobile else list(do),
        "data_do": list(do) if device.is_mobile else None,
    }  # fmt: skip
    label = tag(
        "span", data_text=f"name of {file}", data_e=f"n:{file}",
        class_="cut" if as_list else "small",
    )  # fmt: skip
    if as_list:
        body = tag(
            "button", icon(picture, 26), div("grow", label),
            tag("span", size, class_="muted small", data_e=f"s:{file}"), class_="item grow",
            **what,
        )  # fmt: skip
        more = icon_button(
            f"more:{file}", "dots", "More", held, use=f"open the menu of {file}",
            of=f"next to {file}",
        )  # fmt: skip
        return div("row", body, more, data_item=file, data_gone=file)
    body = tag(
        "button", icon(picture, 50), label,
        tag("span", size, class_="muted small", data_e=f"s:{file}"),
        class_="col centre tight card", style="width:100%", **what,
    )  # fmt: skip
    return div("", body, data_item=file, data_gone=file)


def _tools(as_list: bool) -> list[Html]:
    return [
        icon_button(
            "up", "left", "Up", [["set", "folder", "Home"]], use="go to the folder above",
        ),
        div(
            "grow cut", tag("span", "Home / ", class_="muted"),
            tag("span", data_text="folder", class_="strong", data_e="path"),
        ),
        icon_button(
            "new", "plus", "New folder", [["open", "folder.dialog"]], use="make a new folder",
        ),
        icon_button(
            "view", "grid" if as_list else "list", "Change view", [["say", "View changed"]],
            use="show the files as icons" if as_list else "show the files as a list",
        ),
    ]  # fmt: skip


def _side_desktop() -> Html:
    return div(
        "side",
        [
            navigation(
                f"place:{t}", t, [["set", "folder", t]], name=i, lit=f"folder={t}",
                use=f"go to {t}",
            )
            for t, i in (
                ("Home", "house"), ("Desktop", "grid"), ("Downloads", "download"),
                ("Trash", "trash"),
            )
        ],
    )  # fmt: skip


def _body(folders: list[str], found: list[str], main: Html) -> Html:
    return join(
        div("", main, data_view="main"),
        div(
            "",
            heading(
                icon_button(
                    "close", "left", "Back", [["show", "main"]], use="go back to the files",
                ),
                tag("span", data_text="opened", class_="title"),
            ),
            div("fill centre", icon("file", 120)), data_view="file",
        ),
        [
            menu(
                f"menu:{file}",
                [
                    menu_entry(
                        f"open:{file}", "Open",
                        [["pop"], ["set", "opened", file], ["show", "file"]], use=f"open {file}",
                        with_icon="eye",
                    ),
                    menu_entry(
                        f"rename:{file}", "Rename",
                        [["set", "draft.name", file], ["switch", f"name:{file}"]],
                        use=f"rename {file}", with_icon="pen", key="F2",
                    ),
                    menu_entry(
                        f"star:{file}", "Add to favourites",
                        [["add", "favourites", file], ["pop"]],
                        use=f"add {file} to the favourites", with_icon="star",
                    ),
                    None,
                    menu_entry(
                        f"delete:{file}", "Delete", [["switch", f"sure:{file}"]],
                        use=f"delete {file}", with_icon="trash", key="Del",
                    ),
                ],
                title=f"Menu of {file}",
            )
            for file in (*folders, *found)
        ],
        [
            dialog(
                f"name:{file}", "Rename", field(f"to:{file}", "New name", key="draft.name"),
                actions=[
                    button(f"name-no:{file}", "Cancel", [["pop"]], use="keep the old name"),
                    button(
                        f"name-yes:{file}", "Rename",
                        [
                            [
                                "need", ["draft.name"],
                                [["copy", "draft.name", f"name of {file}"], ["pop"]],
                            ],
                        ],
                        style="main-btn", use="give the new name",
                    ),
                ],
            )
            for file in (*folders, *found)
        ],
        [
            dialog(
                f"sure:{file}", f"Delete {file}?",
                tag("p", "It can be restored from the trash for 30 days."),
                actions=[
                    button(f"sure-no:{file}", "Cancel", [["pop"]], use="keep it"),
                    button(
                        f"sure-yes:{file}", "Delete",
                        [["add", "deleted", file], ["hide", file], ["pop"]], style="bad",
                        use=f"delete {file}",
                    ),
                ],
            )
            for file in (*folders, *found)
        ],
        dialog(
            "folder.dialog", "New folder", field("folder-name", "Name", key="draft.folder"),
            actions=[
                button("folder-no", "Cancel", [["pop"]], use="close the dialog"),
                button(
                    "folder-yes", "Create",
                    [
                        [
                            "need", ["draft.folder"],
                            [
                                ["keep", "made", "draft.folder"], ["clear", "draft.folder"],
                                ["pop"], ["say", "Folder created"],
                            ],
                        ],
                    ],
                    style="main-btn", use="make the folder",
                ),
            ],
        ),
    )  # fmt: skip


def _tasks(file: str, fresh: str, held: Intent, new: str) -> tuple[Task, ...]:
    return (
        Task(
            goal=f"Rename {file} to {new}.",
            plan=(
                held, click(f"rename:{file}", "The menu has Rename."),
                enter(f"to:{file}", new, "The field holds the old name, so I replace it."),
                click(f"name-yes:{file}", "The new name is right."),
            ),
            ends={f"name of {file}": new},
        ),
        Task(
            goal=f"Delete {file}.",
            plan=(
                held, click(f"delete:{file}", "Delete is at the end of the menu."),
                click(f"sure-yes:{file}", "I confirm that it should go."),
            ),
            ends={"deleted": [file]},
        ),
        Task(
            goal=f"Open {file}.",
            plan=(
                Intent(
                    deed="double", on=file, why=f"A double click opens {file}.", where="desktop",
                ),
                click(file, f"A tap opens {file}.", where="mobile"),
            ),
            ends={"opened": file},
        ),
        Task(
            goal=f"Add {file} to the favourites.",
            plan=(held, click(f"star:{file}", "The star in the menu adds it to the favourites.")),
            ends={"favourites": [file]},
        ),
        Task(
            goal=f"Make a new folder called {fresh}.",
            plan=(
                click("new", "The plus sign makes a new folder."),
                enter("folder-name", fresh, "I type its name."),
                click("folder-yes", "I create it."),
            ),
            ends={"made": [{"draft.folder": fresh}]},
        ),
    )  # fmt: skip
