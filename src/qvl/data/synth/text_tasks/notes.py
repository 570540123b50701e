"""Short everyday documents in text, to extract fields from and to summarise.

Owns: the documents. Does not own: the form of extracted fields (``tasks.extraction``).

    random values -> a note with them in its text -> its fields, its summary -> question, answer
"""

import datetime
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from qvl.data.records import Sample
from qvl.data.synth.maths.solutions import money
from qvl.data.synth.maths.word_problems import NAMES
from qvl.data.synth.picking import pick, shuffled
from qvl.data.synth.text_tasks.turns import sample_of
from qvl.tasks import extraction

_FAMILIES = (
    "Alvarez", "Bauer", "Chen", "Dubois", "Eriksen", "Fischer", "Garcia", "Haddad", "Ito",
    "Jansen", "Kumar", "Lopez", "Martin", "Novak", "Okafor", "Petrov", "Rossi", "Silva",
)  # fmt: skip
_COMPANIES = (
    "Northwind Books", "Harbour Bakery", "Pine Street Garage", "Lakeside Hotel", "Sun Valley Farm",
    "Old Mill Press", "Blue Door Cafe", "Riverside Clinic",
)  # fmt: skip
_ROOMS = ("room 12", "the large hall", "room 204", "the library", "the office on the third floor")
_MATTERS = (
    "the new opening hours", "the budget for spring", "the move to another building",
    "the summer festival", "the repair of the roof", "the training of new staff",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """A document.

    Attributes:
        text: of it.
        fields: name -> value, each as it stands in the text.
        summary: in one sentence.
    """

    text: str
    fields: dict[str, str]
    summary: str


def _day(rng: np.random.Generator) -> str:
    day = datetime.date(2024, 1, 1) + datetime.timedelta(days=int(rng.integers(0, 1000)))
    return f"{day.day} {day:%B %Y}"


def _hour(rng: np.random.Generator) -> str:
    return f"{int(rng.integers(8, 19)):02d}:{pick(rng, ('00', '15', '30', '45'))}"


def _person(rng: np.random.Generator) -> str:
    return f"{pick(rng, NAMES)} {pick(rng, _FAMILIES)}"


def _meeting(rng: np.random.Generator) -> Note:
    day, hour, room, matter = _day(rng), _hour(rng), pick(rng, _ROOMS), pick(rng, _MATTERS)
    host, other = (_person(rng) for _ in range(2))
    text = (
        f"Dear all,\n\nour next meeting is on {day} at {hour} in {room}. We will talk about "
        f"{matter}. {other} will bring the figures that were missing last time. Please tell me by "
        f"the day before if you cannot come, so that we can plan the seats.\n\nBest wishes,\n{host}"
    )
    return Note(
        text=text,
        fields={"date": day, "time": hour, "place": room, "subject": matter, "sender": host},
        summary=f"{host} invites to a meeting about {matter} on {day} at {hour} in {room}.",
    )


def _invoice(rng: np.random.Generator) -> Note:
    company, customer, day = pick(rng, _COMPANIES), _person(rng), _day(rng)
    number = f"{int(rng.integers(2024, 2027))}-{int(rng.integers(1, 9999)):04d}"
    goods = ("delivery", "repair", "paper", "two chairs", "breakfast", "a lamp", "paint", "a lock")
    rows = [(thing, 25 * int(rng.integers(8, 900))) for thing in shuffled(rng, goods)[:3]]
    total = money(sum(price for _, price in rows))
    listing = "\n".join(f"{thing}: {money(price)}" for thing, price in rows)
    text = (
        f"{company}\nInvoice {number}\nDate: {day}\nTo: {customer}\n\n{listing}\nTotal: {total}\n\n"
        "Please pay within 30 days."
    )
    return Note(
        text=text,
        fields={
            "company": company, "invoice_number": number, "date": day, "customer": customer,
            "total": total,
        },
        summary=f"{company} bills {customer} {total} with invoice {number} of {day}.",
    )  # fmt: skip


def _incident(rng: np.random.Generator) -> Note:
    day, hour, person = _day(rng), _hour(rng), _person(rng)
    place = pick(
        rng, ("the storeroom", "the kitchen", "the car park", "the lift", "the server room")
    )
    what, why, then = pick(
        rng,
        (
            ("a pipe burst", "an old joint gave way", "The water was turned off after ten minutes"),
            ("the power failed", "a cable was damaged", "The lights came back within an hour"),
            ("the alarm went off", "a sensor was dirty", "The fire brigade found no fire"),
            ("a window broke", "a ladder fell over", "The pane will be replaced this week"),
        ),
    )
    text = (
        f"Report of {person}. On {day} at {hour} {what} in {place}. The reason was that {why}. "
        f"{then}. Nobody was hurt. The area stayed closed for the rest of the day, and the staff "
        "worked in another part of the building."
    )
    return Note(
        text=text,
        fields={
            "author": person, "date": day, "time": hour, "place": place, "event": what,
            "cause": why,
        },
        summary=f"On {day} {what} in {place} because {why}; nobody was hurt.",
    )  # fmt: skip


def _booking(rng: np.random.Generator) -> Note:
    guest, hotel, day = (
        _person(rng),
        pick(rng, ("Lakeside Hotel", "Grand Station Hotel")),
        _day(rng),
    )
    nights, people = int(rng.integers(1, 9)), int(rng.integers(1, 5))
    price = 500 * int(rng.integers(12, 50))
    code = "".join(pick(rng, "ABCDEFGHJKLMNPQRSTUVWXYZ23456789") for _ in range(6))
    total = money(price * nights)
    text = (
        f"Thank you for your booking at {hotel}, {guest}! Your code is {code}. We expect "
        f"{people} {'guest' if people == 1 else 'guests'} on {day} for {nights} "
        f"{'night' if nights == 1 else 'nights'} at {money(price)} a night, {total} in all. "
        "Breakfast is served from 7 to 10. You can cancel free of charge until two days before."
    )
    return Note(
        text=text,
        fields={
            "hotel": hotel, "guest": guest, "code": code, "arrival": day, "nights": str(nights),
            "total": total,
        },
        summary=f"{guest} has booked {nights} {'night' if nights == 1 else 'nights'} at {hotel} "
        f"from {day} for {total}.",
    )  # fmt: skip


_NOTES: tuple[Callable[[np.random.Generator], Note], ...] = (
    _meeting, _invoice, _incident, _booking,
)  # fmt: skip
_SUMMARISE = (
    "Summarise the following text in one sentence.",
    "Give the main point of this text in one sentence.",
    "What is this text about? Answer in one sentence.",
)


def note_sample(
    rng: np.random.Generator, *, seed: tuple[int, ...], summaries: float = 0.4
) -> Sample:
    """Returns a document with a question for some of its fields, or for a summary.

    Args:
        rng: source of randomness.
        seed: recorded in the sample.
        summaries: share of questions for a summary.
    """
    note = pick(rng, _NOTES)(rng)
    if rng.random() < summaries:
        question, answer = f"{pick(rng, _SUMMARISE)}\n\n{note.text}", note.summary
        task, facts = "summary", {"summary": note.summary, "fields": note.fields}
    else:
        count = int(rng.integers(2, len(note.fields) + 1))
        names = sorted(shuffled(rng, tuple(note.fields))[:count], key=list(note.fields).index)
        wanted = {name: note.fields[name] for name in names}
        question = f"{extraction.prompt(names)}\n\n{note.text}"
        answer = extraction.format(dict(wanted))
        task, facts = "extraction", {"fields": wanted}
    return sample_of(
        [(question, answer)],
        task=task,
        generator="text_tasks.notes.note_sample",
        seed=seed,
        facts=facts,
    )
