"""A music player: songs of an album, controls, a volume, a sleep timer."""

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
    heading,
    icon_button,
    menu,
    menu_entry,
    navigation,
    search,
    slider,
    tile,
)


def player(rng: np.random.Generator, device: Device) -> App:
    """Returns a player with a list of songs."""
    count = int(rng.integers(6, 11))
    songs = list(zip(content.titles(rng, count), content.people(rng, count), strict=True))
    lengths = {
        title: f"{int(rng.integers(2, 7))}:{int(rng.integers(0, 60)):02d}" for title, _ in songs
    }
    name, album, hue = (
        content.app_name(rng, "player"), content.titles(rng, 1)[0], float(rng.random()),
    )  # fmt: skip
    volume = int(rng.integers(3, 18)) * 5
    rows = _rows(lengths, songs, device)
    control = _control()
    loud = div(
        "row", icon("speaker", 18), slider("volume", "Volume", key="volume"),
        tag("span", data_text="volume", data_e="volume-value", style="width:2.2em"),
    )  # fmt: skip
    now = div(
        "", tag("div", data_text="song", class_="strong cut", data_e="now"),
        tag("div", "Now playing", class_="muted small"),
    )  # fmt: skip
    cover = tile(
        "music", hue, height=120 if device.is_mobile else 150,
        width="120px" if device.is_mobile else "150px",
    )  # fmt: skip
    top = _top(album, count, cover, songs)
    listed = div("grow scroll lines", rows, data_list="songs")
    find = search(
        "search", "Search music", key="draft.query", do=[["copy", "draft.query", "songs.query"]],
        use="search for a song",
    )  # fmt: skip
    if device.is_mobile:
        main = _main_phone(control, find, listed, loud, now, top)
    else:
        side = _side_desktop(name)
        main = _main_desktop(control, find, listed, loud, now, side, top)
    sleep = ("15 minutes", "30 minutes", "1 hour", "Off")
    body = _body(main, sleep)
    (song, artist), loudness = (
        content.one(rng, songs[1:]),
        content.one(rng, [v for v in range(0, 101, 10) if v != volume]),
    )
    stop = content.one(rng, sleep[:3])
    return App(
        name=name, kind="player", icon="music", body=body, state=_state(songs, volume),
        about=f"A music player with the {count} songs of the album {album}",
        facts=(
            Fact(text=f"The song chosen is {songs[0][0]}.", seen=("now",)),
            Fact(
                text="Buttons to shuffle, skip, play and repeat stand in a row.",
                seen=("shuffle", "previous", "next", "repeat"),
            ),
            *(
                Fact(text=f"{t} lasts {lengths[t]}.", seen=(f"t:{t}", f"l:{t}"))
                for t, _ in songs[:3]
            ),
        ),
        questions=_questions(album, lengths, songs, volume, device),
        tasks=_tasks(artist, loudness, song, stop),
        looks=(("album-more",), (f"song:{song}", f"love:{song}"), ("album-more", "menu:sleep")),
    )  # fmt: skip


def _rows(lengths: dict[str, str], songs: list[tuple[str, str]], device: Device) -> list[Html]:
    return [
        div(
            "item",
            tag(
                "button", icon("play", 17),
                tag("span", title, class_="grow cut", data_e=f"t:{title}"),
                None if device.is_mobile
                else tag("span", artist, class_="muted cut", data_e=f"a:{title}"),
                tag("span", lengths[title], class_="muted small", data_e=f"l:{title}"),
                class_="row grow", data_e=f"song:{title}", data_kind="song in the list",
                data_use=f"play {title}", data_lit=f"song={title}",
                data_do=[["set", "song", title], ["set", "playing", True]], aria_label=title,
            ),
            icon_button(
                f"love:{title}", "heart", "Like", [["add", "loved", title]], fills=True,
                lit=f"loved~{title}", use=f"add {title} to the favourites", of=f"next to {title}",
            ),
            data_item=f"{title} {artist}", style="padding-top:.2em;padding-bottom:.2em",
        )
        for title, artist in songs
    ]  # fmt: skip


def _control() -> Html:
    return div(
        "row centre",
        icon_button(
            "shuffle", "shuffle", "Shuffle", [["toggle", "shuffle"]],
            use="play the songs in random order", lit="shuffle",
        ),
        icon_button(
            "previous", "previous", "Previous", [["say", "This is the first song."]],
            use="go to the song before",
        ),
        tag(
            "span",
            icon_button(
                "pause", "pause", "Pause", [["set", "playing", False]], use="pause the music",
                style="round",
            ),
            data_when="playing",
        ),
        tag(
            "span",
            icon_button(
                "play", "play", "Play", [["set", "playing", True]], use="play the music",
                style="round",
            ),
            data_when="playing=false",
        ),
        icon_button("next", "next", "Next", [["count", "skipped", 1]], use="go to the next song"),
        icon_button(
            "repeat", "repeat", "Repeat", [["toggle", "repeat"]], use="repeat the song",
            lit="repeat",
        ),
    )  # fmt: skip


def _top(album: str, count: int, cover: Html, songs: list[tuple[str, str]]) -> Html:
    return div(
        "row pad fixed", cover,
        div(
            "col tight grow", tag("span", "ALBUM", class_="small muted"),
            tag("h1", album, data_e="album"),
            tag("span", f"{count} songs", class_="muted", data_e="count"),
            div(
                "row",
                button(
                    "play-all", "Play", [["set", "song", songs[0][0]], ["set", "playing", True]],
                    style="main-btn", with_icon="play", use="play the album",
                ),
                icon_button(
                    "album-more", "dots", "More", [["open", "menu"]],
                    use="open the menu of the album",
                ),
            ),
        ),
    )  # fmt: skip


def _main_phone(control: Html, find: Html, listed: Html, loud: Html, now: Html, top: Html) -> Html:
    return join(
        heading(
            icon_button("back", "down", "Close", [["say", "Playing on"]], use="close the album"),
            find,
        ),
        top, listed,
        div(
            "col tight pad fixed", now, control, loud,
            style="border-top:1px solid var(--line);background:var(--surface)",
        ),
    )  # fmt: skip


def _side_desktop(name: str) -> Html:
    return div(
        "side", tag("h2", name, class_="pad", data_e="brand"),
        [
            navigation(
                f"go:{t}", t, [["set", "section", t]], name=i, lit=f"section={t}",
                use=f"go to {t.lower()}",
            )
            for t, i in (
                ("Home", "house"), ("Library", "music"), ("Favourites", "heart"),
                ("Radio", "microphone"),
            )
        ],
    )  # fmt: skip


def _main_desktop(
    control: Html, find: Html, listed: Html, loud: Html, now: Html, side: Html, top: Html
) -> Html:
    return join(
        div(
            "main", side,
            div("fill", div("row pad fixed", find), top, listed, style="min-width:0"),
        ),
        div(
            "row pad fixed", div("", now, style="width:200px"), div("grow", control),
            div("", loud, style="width:220px"),
            style="border-top:1px solid var(--line);background:var(--surface)",
        ),
    )  # fmt: skip


def _body(main: Html, sleep: tuple[str, str, str, str]) -> Html:
    return join(
        div("", main, data_view="main"),
        menu(
            "menu",
            [
                menu_entry(
                    "menu:queue", "Add to queue",
                    [["pop"], ["set", "queued", True], ["say", "Added"]], with_icon="list",
                    use="add the album to the queue",
                ),
                menu_entry(
                    "menu:sleep", "Sleep timer", [["switch", "sleep.list"]], with_icon="clock",
                    use="set when the music stops",
                ),
                menu_entry(
                    "menu:share", "Share", [["pop"], ["say", "Link copied"]], with_icon="share",
                ),
            ],
            title="Menu",
        ),
        choices("sleep", "Sleep timer", sleep, key="Sleep"),
    )  # fmt: skip


def _state(songs: list[tuple[str, str]], volume: int) -> dict[str, Any]:
    return {
        "song": songs[0][0], "playing": False, "volume": volume, "shuffle": False,
        "repeat": False, "loved": [], "skipped": 0, "songs.query": "", "Sleep": "Off",
        "queued": False, "section": "Library", "draft.query": "",
    }  # fmt: skip


def _questions(
    album: str, lengths: dict[str, str], songs: list[tuple[str, str]], volume: int, device: Device
) -> tuple[Question, ...]:
    return (
        *(
            Question(ask=f"How long is the song {t}?", answer=lengths[t], seen=(f"t:{t}", f"l:{t}"))
            for t, _ in songs
        ),
        Question(ask="What is the name of the album?", answer=album, seen=("album",)),
        *(
            ()
            if device.is_mobile
            else (
                Question(ask=f"Who sings {t}?", answer=a, seen=(f"t:{t}", f"a:{t}"))
                for t, a in songs
            )
        ),
        Question(ask="What is the volume set to?", answer=str(volume), seen=("volume-value",)),
    )


def _tasks(artist: str, loudness: int, song: str, stop: str) -> tuple[Task, ...]:
    return (
        Task(
            goal=f"Play {song}.",
            plan=(click(f"song:{song}", f"{song} is in the list. I start it."),),
            ends={"song": song, "playing": True},
        ),
        Task(
            goal=f"Set the volume to {loudness}.",
            plan=(
                Intent(
                    deed="slide", on="volume", value=loudness,
                    why=f"I drag the slider of the volume to {loudness}.",
                ),
            ),
            ends={"volume": loudness},
        ),
        Task(
            goal=f"Search for {artist}, play {song} and repeat it.",
            plan=(
                enter("search", artist, "I type the name into the search field."),
                Intent(deed="keys", text="enter", why="Enter starts the search."),
                click(f"song:{song}", f"{song} is found. I play it."),
                click("repeat", "The arrows in a loop repeat it."),
            ),
            ends={"songs.query": artist, "song": song, "playing": True, "repeat": True},
        ),
        Task(
            goal=f"Add {song} to my favourites and turn on shuffle.",
            plan=(
                click(f"love:{song}", f"The heart next to {song} does the first."),
                click("shuffle", "The crossing arrows do the second."),
            ),
            ends={"loved": [song], "shuffle": True},
        ),
        Task(
            goal=f"Let the music stop after {stop}.",
            plan=(
                click("album-more", "A timer could be in this menu."),
                click("menu:sleep", "Here is the sleep timer."),
                click(f"sleep:{stop}", f"I choose {stop}."),
            ),
            ends={"Sleep": stop},
        ),
    )  # fmt: skip
