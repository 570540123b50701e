"""Invented people, firms, addresses, dates and sums of money.

Owns: the lists and how they are written. Does not own: sentences (``prose``).
"""

import datetime
import unicodedata

import numpy as np

from qvl.data.synth.picking import pick

GIVEN = (
    "Anna", "Jonas", "Mireille", "Tomás", "Aisha", "Pavel", "Ingrid", "Kenji", "Lucía", "Samuel",
    "Noor", "Elif", "Mateo", "Chiara", "Henrik", "Priya", "Owen", "Zofia", "Daniel", "Leïla",
    "Marek", "Grace", "Yusuf", "Hana", "Björn", "Camille", "Ravi", "Sofia", "Milan", "Ruth",
)  # fmt: skip
FAMILY = (
    "Okafor", "Lindqvist", "Moreau", "Tanaka", "Novák", "Fischer", "Almeida", "Haddad", "Kowalska",
    "Brennan", "Sharma", "Petrov", "García", "Rossi", "Nguyen", "Weber", "Hansen", "Yılmaz",
    "Dubois", "Mbeki", "Silva", "Horvat", "Whitfield", "Larsen", "Kim", "Osei", "Bauer", "Costa",
)  # fmt: skip
STREETS = (
    "Mill Lane", "Station Road", "Harbour Street", "Church Hill", "Orchard Close", "Bridge Street",
    "Canal Walk", "Market Square", "Linden Avenue", "Quarry Road", "Foundry Yard", "Elm Terrace",
)  # fmt: skip
TOWNS = (
    "Northwick", "Ellerby", "Port Ellis", "Marden", "Aldbury", "Kelso", "Westhaven", "Tarn Bridge",
    "Lindholm", "Greyford", "Saltmouth", "Oakham Vale",
)  # fmt: skip
FIRM_WORDS = (
    "Northern Light", "Alder & Finch", "Brightwater", "Granite", "Meridian", "Oakfield", "Polar",
    "Redwood", "Silverline", "Tern", "Vantage", "Westbridge", "Copper Beech", "Harbour",
)  # fmt: skip
FIRM_KINDS = (
    "Ltd", "GmbH", "Supplies Ltd", "Systems Inc.", "Logistics", "Studio", "Consulting LLP", "S.A.",
    "Workshop", "Energy Cooperative", "Foods Ltd", "Instruments",
)  # fmt: skip
INSTITUTES = (
    "Institute of {}", "Department of {}", "Centre for {}", "Laboratory of {}", "School of {}",
)  # fmt: skip
UNIVERSITIES = (
    "University of Northwick", "Lindholm Technical University", "Marden College",
    "University of Westhaven", "Port Ellis Polytechnic", "National Academy, Greyford",
)  # fmt: skip
CURRENCIES = (("$", ""), ("£", ""), ("€", ""), ("", " EUR"), ("", " kr"), ("CHF ", ""))
"""Sign before and after a sum."""


def name(rng: np.random.Generator, *, initial: bool = False) -> str:
    """A person's name, perhaps with the given name as an initial."""
    given = pick(rng, GIVEN)
    return f"{given[0]}. {pick(rng, FAMILY)}" if initial else f"{given} {pick(rng, FAMILY)}"


def firm(rng: np.random.Generator) -> str:
    """A firm's name."""
    return f"{pick(rng, FIRM_WORDS)} {pick(rng, FIRM_KINDS)}"


def institute(rng: np.random.Generator, field: str) -> str:
    """Where somebody works on a field."""
    place = pick(rng, INSTITUTES).format(field.title())
    return f"{place}, {pick(rng, UNIVERSITIES)}"


def address(rng: np.random.Generator) -> tuple[str, str]:
    """Two lines: the street, the town."""
    street = f"{rng.integers(1, 240)} {pick(rng, STREETS)}"
    return street, f"{pick(rng, TOWNS)} {rng.integers(1000, 99999)}"


def email(person: str, rng: np.random.Generator) -> str:
    """An address that nobody has. Source: RFC 2606 section 3, example.org is reserved."""
    plain = unicodedata.normalize("NFD", person.replace("ı", "i"))
    letters = "".join(c for c in plain.lower() if c.isascii() and (c.isalpha() or c == " "))
    return f"{'.'.join(letters.split())}@{pick(rng, ('example.org', 'example.com'))}"


def phone(rng: np.random.Generator) -> str:
    """A telephone number."""
    return f"+{rng.integers(30, 99)} {rng.integers(10, 99)} 555 {rng.integers(0, 10000):04d}"


def day(rng: np.random.Generator, *, first: int = 2015, last: int = 2026) -> datetime.date:
    """A date of these years."""
    start = datetime.date(first, 1, 1)
    days = (datetime.date(last, 12, 31) - start).days
    return start + datetime.timedelta(days=int(rng.integers(days)))


def written(rng: np.random.Generator, date: datetime.date) -> str:
    """A date in one of the usual spellings."""
    month = date.strftime("%B")
    return pick(
        rng,
        (
            f"{date.day} {month} {date.year}",
            f"{month} {date.day}, {date.year}",
            date.isoformat(),
            f"{date.day:02d}/{date.month:02d}/{date.year}",
            f"{date.day:02d}.{date.month:02d}.{date.year}",
        ),
    )


def money(cents: int, currency: tuple[str, str]) -> str:
    """A sum with its currency.

    >>> money(123450, ("$", "")), money(-5, ("", " EUR"))
    ('$1,234.50', '-0.05 EUR')
    """
    sign = "-" if cents < 0 else ""
    whole, rest = divmod(abs(cents), 100)
    return f"{sign}{currency[0]}{whole:,}.{rest:02d}{currency[1]}"
