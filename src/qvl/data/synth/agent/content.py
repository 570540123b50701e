"""What stands on pages: names of people and things, prices, dates, short texts.

Owns: plausible content drawn from lists. Does not own: where it stands (``apps``).
"""

import datetime
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")

_FIRST = (
    "Anna", "Ben", "Carla", "David", "Elif", "Farid", "Grace", "Hiro", "Ines", "Jonas", "Kofi",
    "Lena", "Marco", "Nadia", "Oscar", "Priya", "Quentin", "Rosa", "Samir", "Tara", "Uma",
    "Viktor", "Wanda", "Xin", "Yusuf", "Zoe", "Amélie", "Björn", "Chloé", "Diego", "Emma",
    "Felipe", "Giulia", "Hannah", "Ivan", "Julia", "Kenji", "Leila", "Mateo", "Noor", "Olga",
    "Pedro", "Ravi", "Sofia",
)  # fmt: skip
_LAST = (
    "Abbott", "Bauer", "Costa", "Dubois", "Eriksen", "Fischer", "Garcia", "Haddad", "Ito",
    "Jensen", "Kowalski", "Lopez", "Moreau", "Nguyen", "Okafor", "Patel", "Quinn", "Rossi",
    "Schmidt", "Tanaka", "Usman", "Vogel", "Weber", "Xu", "Yilmaz", "Zhang", "Andersen",
    "Brown", "Chen", "Davies", "Evans", "Ferrari", "Green", "Hughes", "Ivanov", "Jones", "Kim",
    "Lind", "Meyer", "Novak", "Park", "Silva",
)  # fmt: skip
CITIES = (
    "Berlin", "Lisbon", "Toronto", "Nairobi", "Kyoto", "Oslo", "Madrid", "Prague", "Lima",
    "Seoul", "Dublin", "Vienna", "Cairo", "Porto", "Denver", "Hamburg", "Milan", "Lyon",
    "Athens", "Riga",
)  # fmt: skip
COUNTRIES = (
    "Brazil", "Canada", "Egypt", "France", "Germany", "India", "Japan", "Kenya", "Mexico",
    "Norway", "Poland", "Portugal", "Spain", "Turkey", "Vietnam",
)  # fmt: skip
LANGUAGES = (
    "English", "Deutsch", "Français", "Español", "Italiano", "Português", "日本語", "한국어",
    "中文",
    "Türkçe", "Polski", "Svenska",
)  # fmt: skip
_STREETS = (
    "Mill Lane",
    "Station Road",
    "Park Avenue",
    "Hill Street",
    "River Walk",
    "Oak Drive",
    "High Street",
)
PRODUCTS: dict[str, tuple[str, ...]] = {
    "shirt": ("Linen Shirt", "Striped T-Shirt", "Denim Shirt", "Flannel Shirt", "Polo Shirt"),
    "lamp": ("Desk Lamp", "Reading Lamp", "Table Light", "Bedside Lamp", "Studio Lamp"),
    "chair": ("Oak Chair", "Folding Chair", "Office Chair", "Garden Chair", "Bar Stool"),
    "headphones": ("Wireless Headphones", "Studio Headphones", "Travel Headset", "Gaming Headset"),
    "watch": ("Field Watch", "Sports Watch", "Classic Watch", "Diver Watch"),
    "cup": ("Coffee Mug", "Tea Cup", "Travel Cup", "Espresso Cup", "Enamel Mug"),
    "book": ("Bread Baking", "City Walks", "Wild Gardens", "Night Trains", "Simple Soups"),
    "ball": ("Beach Ball", "Football", "Basketball", "Yoga Ball"),
    "camera": ("Pocket Camera", "Film Camera", "Action Camera", "Instant Camera"),
    "bag": ("Canvas Bag", "Weekend Bag", "Laptop Bag", "Market Tote"),
}  # fmt: skip
"""Icon of a category -> things in it."""
CATEGORIES: dict[str, str] = {
    "shirt": "Clothing", "lamp": "Lighting", "chair": "Furniture", "headphones": "Audio",
    "watch": "Watches", "cup": "Kitchen", "book": "Books", "ball": "Sports", "camera": "Cameras",
    "bag": "Bags",
}  # fmt: skip
_SUBJECTS = (
    "Minutes of the {day} meeting", "Your order has shipped", "Lunch on {day}?",
    "Draft of the report", "Question about invoice {number}", "Photos from {city}",
    "Trip to {city}", "New opening hours", "Budget for {month}", "Welcome to the team",
    "Reminder: dentist on {day}", "Keys for the office", "Slides for {day}",
    "Ticket {number} was closed", "Change of plan", "Your booking in {city}",
    "Feedback on the design", "Server maintenance on {day}", "Recipe you asked for",
    "Garden party",
)  # fmt: skip
_SENTENCES = (
    "Thank you for getting back to me so quickly.", "Please have a look when you find the time.",
    "The numbers are in the attached sheet.", "Let me know whether {day} works for you.",
    "We moved the start to {hour}:30.", "I have put a copy on the shared drive.",
    "The train from {city} arrives at {hour}:15.", "Nothing else has changed so far.",
    "Could you send me the address again?", "The room is on the second floor.",
    "I will bring the documents on {day}.", "Everyone is invited, also your family.",
    "The old version stays online until {month}.", "Call me if anything is unclear.",
)  # fmt: skip
MESSAGES = (
    "See you at {hour}:00!", "I am running ten minutes late", "Can you pick up some milk?",
    "The meeting moved to {day}", "Happy birthday!", "Where did you park?", "Thanks a lot",
    "Call me when you are free", "I sent you the file", "Dinner on {day}?", "On my way",
    "Did the parcel arrive?", "Let us meet in {city}", "Good luck for tomorrow",
)  # fmt: skip
_ADJECTIVES = (
    "Blue", "Quiet", "Golden", "Electric", "Slow", "Silver", "Northern", "Paper", "Distant",
    "Velvet", "Broken", "Winter", "Open", "Hidden", "Bright",
)  # fmt: skip
_NOUNS = (
    "River", "Signal", "Garden", "Harbour", "Mirror", "Station", "Letters", "Horizon", "Lantern",
    "Orchard", "Compass", "Engine", "Island", "Window", "Forest",
)  # fmt: skip
_APP_NAMES: dict[str, tuple[str, ...]] = {
    "mail": ("Postbox", "Letterly", "Mailroom", "Quill Mail"),
    "shop": ("Cornershop", "Marketo", "Basket & Co", "Tradewind"),
    "settings": ("Settings", "Preferences", "System Settings"),
    "files": ("Files", "Drawer", "Filebox", "My Documents"),
    "chat": ("Chatter", "Ping", "Talkie", "Messages"),
    "player": ("Tunes", "Playbox", "Wavelength", "Music"),
    "calendar": ("Calendar", "Dayplan", "Agenda"),
    "map": ("Maps", "Wayfinder", "Roadbook"),
    "dashboard": ("Metricboard", "Insight", "Pulseboard", "Overview"),
    "table": ("Team Admin", "People", "Staffbook", "Directory"),
    "form": ("Bookings", "Registration", "Front Desk"),
    "login": ("Northbank", "Clinic Portal", "Studyhub", "Parcel24"),
    "wizard": ("Setup", "Getting Started", "New Account"),
    "news": ("The Daily Lantern", "Cityline", "Open Gazette", "Field Notes"),
    "editor": ("Writer", "Notepage", "Textdesk"),
}  # fmt: skip
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip


def some(rng: np.random.Generator, items: Sequence[Item], count: int) -> list[Item]:
    """Returns so many different items in random order."""
    return [items[int(i)] for i in rng.permutation(len(items))[:count]]


def one(rng: np.random.Generator, items: Sequence[Item]) -> Item:
    """Returns an item."""
    return items[int(rng.integers(len(items)))]


def people(rng: np.random.Generator, count: int) -> list[str]:
    """Returns full names; no first and no last name comes twice."""
    return [
        f"{first} {last}"
        for first, last in zip(some(rng, _FIRST, count), some(rng, _LAST, count), strict=True)
    ]


def app_name(rng: np.random.Generator, kind: str) -> str:
    """Returns a name for an app; no real one is meant."""
    return one(rng, _APP_NAMES[kind])


def filled(rng: np.random.Generator, text: str) -> str:
    """Returns a text with its blanks filled in."""
    return text.format(
        day=one(rng, DAYS), month=one(rng, MONTHS), city=one(rng, CITIES),
        number=int(rng.integers(1000, 9999)), hour=int(rng.integers(8, 21)),
    )  # fmt: skip


def subjects(rng: np.random.Generator, count: int) -> list[str]:
    """Returns different subjects of letters."""
    return [filled(rng, text) for text in some(rng, _SUBJECTS, count)]


def sentences(rng: np.random.Generator, count: int) -> list[str]:
    """Returns sentences of a letter."""
    return [filled(rng, text) for text in some(rng, _SENTENCES, count)]


def titles(rng: np.random.Generator, count: int) -> list[str]:
    """Returns different titles of songs, articles or projects."""
    return [
        f"{first} {second}"
        for first, second in zip(
            some(rng, _ADJECTIVES, count), some(rng, _NOUNS, count), strict=True
        )
    ]


def price(rng: np.random.Generator, low: int = 4, high: int = 180) -> float:
    """Returns a price that ends as prices do."""
    return float(rng.integers(low, high)) + float(rng.choice((0.0, 0.5, 0.9, 0.95, 0.99)))


def address(rng: np.random.Generator, name: str) -> str:
    """Returns an address for mail at a domain that is reserved for examples. Source: RFC 2606."""
    plain = name.lower().translate(str.maketrans("éèö ", "eeo."))
    return f"{plain}@{one(rng, ('example.com', 'example.org', 'mail.example', 'work.example'))}"


def street(rng: np.random.Generator) -> str:
    """Returns a street with a number."""
    return f"{int(rng.integers(1, 180))} {one(rng, _STREETS)}"


def telephone(rng: np.random.Generator) -> str:
    """Returns a number that is kept for fiction. Source: NANP numbers 555-0100 to 555-0199."""
    return f"{int(rng.integers(201, 989))}-555-01{int(rng.integers(0, 100)):02d}"


def today(rng: np.random.Generator) -> datetime.date:
    """Returns the date that the screen believes it is."""
    return datetime.date(2024, 1, 1) + datetime.timedelta(days=int(rng.integers(0, 1460)))
