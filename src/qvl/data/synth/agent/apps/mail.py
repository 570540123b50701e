"""A mail box: mails to read, write, answer, star, archive and delete."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qvl.data.synth.agent import content
from qvl.data.synth.agent.app import App, Fact, Intent, Question, Task, click, enter
from qvl.data.synth.agent.look import Device
from qvl.data.synth.agent.markup import Html, div, join, tag
from qvl.data.synth.agent.widgets import (
    bottom_bar,
    button,
    dialog,
    face,
    field,
    heading,
    icon_button,
    menu,
    menu_entry,
    navigation,
    search,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Mail:
    sender: str
    subject: str
    lines: tuple[str, ...]
    time: str
    is_new: bool


def mail(rng: np.random.Generator, device: Device) -> App:
    """Returns a box of mails with folders."""
    count = int(rng.integers(6, 10))
    mails = [
        _Mail(
            sender=person, subject=subject,
            lines=tuple(content.sentences(rng, int(rng.integers(2, 5)))),
            time=f"{int(rng.integers(6, 22)):02d}:{int(rng.integers(0, 60)):02d}",
            is_new=bool(rng.random() < 0.35),
        )
        for person, subject in zip(
            content.people(rng, count), content.subjects(rng, count), strict=True,
        )
    ]  # fmt: skip
    name = content.app_name(rng, "mail")
    unread = sum(one.is_new for one in mails)
    compose = [["open", "compose"]]
    send = [
        [
            "need", ["draft.to", "draft.subject"],
            [
                ["keep", "sent", "draft.to", "draft.subject", "draft.text"],
                ["clear", "draft.to", "draft.subject", "draft.text"], ["pop"],
                ["say", "Message sent"],
            ],
        ],
    ]  # fmt: skip
    rows = [_row(one, device) for one in mails]
    listed = div("grow scroll lines", rows, data_list="mails")
    find = [["copy", "draft.query", "mails.query"]]
    box = search("search", "Search mail", key="draft.query", do=find, use="search the mails")
    if device.is_mobile:
        main = _main_phone(box, compose, listed)
    else:
        folders = (
            ("Inbox", "inbox"), ("Starred", "star"), ("Sent", "send"), ("Archive", "archive"),
            ("Trash", "trash"),
        )  # fmt: skip
        side = _side_desktop(compose, folders, unread)
        main = _main_desktop(box, listed, name, side)
    body = _body(mails, main, send)
    state = {
        "folder": "Inbox", "sent": [], "deleted": [], "starred": [], "archived": [],
        "mails.query": "", "draft.query": "", "draft.to": "", "draft.subject": "",
        "draft.text": "",
    }  # fmt: skip
    newest = mails[0]
    return App(
        name=name, kind="mail", icon="mail", body=body, state=state,
        about=f"The inbox of a mail app called {name}",
        facts=(
            Fact(
                text=f"The first mail is from {newest.sender} with the subject “{newest.subject}”.",
                seen=(f"from:{newest.subject}", f"title:{newest.subject}"),
            ),
            *(
                Fact(
                    text=f"{one.sender} wrote “{one.subject}” at {one.time}.",
                    seen=(f"from:{one.subject}", f"title:{one.subject}", f"time:{one.subject}"),
                )
                for one in mails[1:4]
            ),
        ),
        questions=_questions(mails), tasks=_mail_tasks(rng, mails),
        looks=(
            ("compose",), (f"open:{newest.subject}",),
            ("nav",) if device.is_mobile else ("prefs",),
            (f"open:{newest.subject}", f"remove:{newest.subject}"),
        ),
        hot={"c": compose, "ctrl+enter": send},
    )  # fmt: skip


def _row(one: _Mail, device: Device) -> Html:
    bold = " new" if one.is_new else ""
    star = icon_button(
        f"star:{one.subject}", "star", "Star", [["add", "starred", one.subject]], fills=True,
        lit=f"starred~{one.subject}", use=f"mark the mail from {one.sender} with a star",
        of=f"in the row of {one.sender}",
    )  # fmt: skip
    words = tag(
        "button",
        tag(
            "div", tag("span", one.sender, class_=f"cut{bold}", data_e=f"from:{one.subject}"),
            tag("span", one.time, class_="small muted right", data_e=f"time:{one.subject}"),
            class_="row",
        ),
        tag("div", one.subject, class_=f"cut{bold}", data_e=f"title:{one.subject}"),
        tag("div", one.lines[0], class_="cut muted small"), class_="grow", style="display:block",
        data_e=f"open:{one.subject}", data_kind="mail in the list",
        data_use=f"open the mail from {one.sender}", data_do=[["show", f"mail:{one.subject}"]],
        aria_label=f"{one.sender}: {one.subject}",
    )  # fmt: skip
    return div(
        "item", face(one.sender), words,
        None if device.is_mobile
        else icon_button(
            f"archive:{one.subject}", "archive", "Archive",
            [["add", "archived", one.subject], ["hide", one.subject]],
            use=f"archive the mail from {one.sender}", of=f"in the row of {one.sender}",
        ),
        star, data_item=f"{one.sender} {one.subject}", data_gone=one.subject,
    )  # fmt: skip


def _main_phone(box: Html, compose: list[list[str]], listed: Html) -> Html:
    return join(
        heading(
            icon_button(
                "nav", "menu", "Folders", [["open", "more"]], use="open the list of folders",
            ),
            box, face("Me Myself"),
        ),
        listed,
        icon_button(
            "compose", "pen", "Compose", compose, style="round float", use="write a new mail",
        ),
        bottom_bar(
            [
                ("tab:mail", "mail", "Mail", [["show", "main"]], "ui.view=main"),
                ("tab:calls", "video", "Calls", [["say", "No calls today."]], "ui.view=calls"),
            ],
        ),
    )  # fmt: skip


def _side_desktop(
    compose: list[list[str]],
    folders: tuple[
        tuple[str, str], tuple[str, str], tuple[str, str], tuple[str, str], tuple[str, str]
    ],
    unread: int,
) -> Html:
    return div(
        "side",
        button(
            "compose", "Compose", compose, style="main-btn", with_icon="pen",
            use="write a new mail",
        ),
        [
            navigation(
                f"folder:{title}", title, [["set", "folder", title]], name=picture,
                lit=f"folder={title}", use=f"open the folder {title}",
                badge=str(unread) if title == "Inbox" and unread else "",
            )
            for title, picture in folders
        ],
    )  # fmt: skip


def _main_desktop(box: Html, listed: Html, name: str, side: Html) -> Html:
    return join(
        heading(
            tag("span", name, class_="title", data_e="brand"), box, tag("span", class_="grow"),
            icon_button(
                "help", "help", "Help", [["say", "Help is on its way."]], use="open the help",
            ),
            icon_button("prefs", "gear", "Settings", [["open", "more"]], use="open the settings"),
            face("Me Myself"),
        ),
        div("main", side, listed),
    )  # fmt: skip


def _body(mails: list[_Mail], main: Html, send: list[list[Sequence[Sequence[str]]]]) -> Html:
    return join(
        div("", main, data_view="main"), [_opened(one) for one in mails],
        dialog(
            "compose", "New message",
            field(
                "to", "To", key="draft.to", placeholder="name@example.com",
                use="enter who gets the mail",
            ),
            field("subject", "Subject", key="draft.subject"),
            field(
                "text", "Message", key="draft.text", rows=5, shows_label=False,
                placeholder="Write something",
            ),
            actions=[
                button(
                    "discard", "Discard",
                    [["clear", "draft.to", "draft.subject", "draft.text"], ["pop"]],
                    use="throw the draft away",
                ),
                button(
                    "send", "Send", send, style="main-btn", with_icon="send", use="send the mail",
                ),
            ],
        ),
        menu(
            "more",
            [
                menu_entry(
                    f"more:{text}", text, [["pop"], ["say", f"{text}: nothing to do"]],
                    with_icon=picture,
                )
                for text, picture in (
                    ("Mark all as read", "check"), ("Print", "print"),
                    ("Report a problem", "warning"),
                )
            ],
            title="Menu",
        ),
        [
            dialog(
                f"sure:{one.subject}", "Delete this mail?",
                tag("p", f"“{one.subject}” will be deleted for good."),
                actions=[
                    button(f"keep:{one.subject}", "Cancel", [["pop"]], use="keep the mail"),
                    button(
                        f"delete:{one.subject}", "Delete",
                        [
                            ["add", "deleted", one.subject], ["hide", one.subject], ["pop"],
                            ["show", "main"],
                        ],
                        style="bad", use="delete the mail for good",
                    ),
                ],
            )
            for one in mails
        ],
    )  # fmt: skip


def _questions(mails: list[_Mail]) -> tuple[Question, ...]:
    return tuple(
        question
        for one in mails
        for question in (
            Question(
                ask=f"Who sent the mail “{one.subject}”?", answer=one.sender,
                seen=(f"from:{one.subject}", f"title:{one.subject}"),
            ),
            Question(
                ask=f"When did the mail from {one.sender} arrive?", answer=one.time,
                seen=(f"from:{one.subject}", f"time:{one.subject}"),
            ),
            Question(
                ask=f"What is the subject of the mail from {one.sender}?", answer=one.subject,
                seen=(f"from:{one.subject}", f"title:{one.subject}"),
            ),
        )
    )  # fmt: skip


def _mail_tasks(rng: np.random.Generator, mails: Sequence[_Mail]) -> tuple[Task, ...]:
    one = content.one(rng, mails)
    person = content.people(rng, 1)[0]
    address, subject, text = (
        content.address(rng, person), content.subjects(rng, 1)[0], content.sentences(rng, 1)[0],
    )  # fmt: skip
    written = (
        enter("to", address, "The window for a new message is open. I fill in the address."),
        enter("subject", subject, "Next is the subject."),
        enter("text", text, "Now the text of the message."),
    )
    sent = {"draft.to": address, "draft.subject": subject, "draft.text": text}
    opening = click(f"open:{one.subject}", f"The mail from {one.sender} is in the list. I open it.")
    reply = {
        "draft.to": content_address(one.sender), "draft.subject": f"Re: {one.subject}",
        "draft.text": text,
    }  # fmt: skip
    return (
        Task(
            goal=f"Write a mail to {address} with the subject “{subject}” and the text “{text}”, "
            "and send it.",
            plan=(
                click("compose", "To write a mail I start with Compose."), *written,
                click("send", "All three fields are right. I send it."),
            ),
            ends={"sent": [sent]},
        ),
        Task(
            goal=f"Use keyboard shortcuts where you can: send “{text}” to {address}, subject "
            f"“{subject}”.",
            plan=(
                Intent(
                    deed="keys", text="c", why="The key C opens a new message.", where="desktop",
                ),
                click("compose", "The pencil opens a new message.", where="mobile"), *written,
                Intent(
                    deed="keys", text="ctrl+enter", why="Ctrl and Enter send the message.",
                    where="desktop",
                ),
                click("send", "The message is complete. I tap Send.", where="mobile"),
            ),
            ends={"sent": [sent]},
        ),
        Task(
            goal=f"Mark the mail from {one.sender} with a star.",
            plan=(
                click(f"star:{one.subject}", f"The star in the row of {one.sender} does this."),
            ),
            ends={"starred": [one.subject]},
        ),
        Task(
            goal=f"Delete the mail from {one.sender}.",
            plan=(
                opening,
                click(f"remove:{one.subject}", "The mail is open; the trash can deletes it."),
                click(
                    f"delete:{one.subject}",
                    "A dialog asks whether I am sure. Deleting is what is wanted.",
                ),
            ),
            ends={"deleted": [one.subject]},
        ),
        Task(
            goal=f"Archive the mail “{one.subject}”.",
            plan=(
                opening,
                click(f"keep-off:{one.subject}", "The box with a lid at the top archives it."),
            ),
            ends={"archived": [one.subject]},
        ),
        Task(
            goal=f"Answer the mail from {one.sender} with “{text}”.",
            plan=(
                opening,
                click(
                    f"reply:{one.subject}",
                    "I have read it. Reply opens an answer to the sender.",
                ),
                enter(
                    "text", text,
                    "Address and subject are filled in already, so only the text is missing.",
                ),
                click("send", "The answer is written. I send it."),
            ),
            ends={"sent": [reply]},
        ),
    )  # fmt: skip


def _opened(one: _Mail) -> Html:
    about = f"of the mail “{one.subject}”"
    back = icon_button(
        f"back:{one.subject}", "left", "Back", [["show", "main"]], use="go back to the inbox"
    )
    return div(
        "",
        heading(
            back, tag("span", class_="grow"),
            icon_button(
                f"keep-off:{one.subject}", "archive", "Archive",
                [["add", "archived", one.subject], ["hide", one.subject], ["show", "main"]],
                use="archive this mail",
            ),
            icon_button(
                f"remove:{one.subject}", "trash", "Delete", [["open", f"sure:{one.subject}"]],
                use="delete this mail",
            ),
            icon_button(
                f"unread:{one.subject}", "mail", "Mark as unread", [["say", "Marked as unread"]],
                use="mark this mail as unread",
            ),
        ),
        div(
            "grow scroll pad",
            div(
                "narrow col", tag("h1", one.subject),
                div(
                    "row", face(one.sender),
                    div(
                        "grow",
                        tag("div", one.sender, class_="strong", data_e=f"by:{one.subject}"),
                        tag("div", "to me", class_="muted small"),
                    ),
                    tag("span", one.time, class_="muted small"),
                ),
                [tag("p", line) for line in one.lines],
                tag("p", f"Best wishes, {one.sender.split()[0]}"),
                div(
                    "row",
                    button(
                        f"reply:{one.subject}", "Reply",
                        [
                            ["set", "draft.to", content_address(one.sender)],
                            ["set", "draft.subject", f"Re: {one.subject}"], ["open", "compose"],
                        ],
                        style="main-btn", use="answer this mail", of=about,
                    ),
                    button(
                        f"forward:{one.subject}", "Forward",
                        [["set", "draft.subject", f"Fwd: {one.subject}"], ["open", "compose"]],
                        use="forward this mail", of=about,
                    ),
                ),
            ),
        ),
        data_view=f"mail:{one.subject}",
    )  # fmt: skip


def content_address(name: str) -> str:
    """Returns the address of a sender, always the same."""
    return content.address(np.random.default_rng(len(name)), name)
