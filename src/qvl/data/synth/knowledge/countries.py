"""Facts about countries: names in many languages, capitals, continents, languages, currencies.

Owns: the table of capitals and continents, reading the rest from CLDR through the package babel.
Does not own: flags (``flags``), questions (``samples``).

    ISO 3166-1 code -> country() -> Country;   code, language -> name_in()

Source of names, official languages and currencies: Unicode CLDR (licence Unicode-3.0).
"""

import datetime
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from qvl.errors import MissingDependencyError

LICENCE = "Unicode-3.0"

_TABLE: dict[str, tuple[str, str]] = {
    "FR": ("Paris", "Europe"), "IT": ("Rome", "Europe"), "IE": ("Dublin", "Europe"),
    "BE": ("Brussels", "Europe"), "NG": ("Abuja", "Africa"), "PE": ("Lima", "South America"),
    "CI": ("Yamoussoukro", "Africa"), "ML": ("Bamako", "Africa"), "GN": ("Conakry", "Africa"),
    "DE": ("Berlin", "Europe"), "NL": ("Amsterdam", "Europe"),
    "RU": ("Moscow", "Europe and Asia"), "AT": ("Vienna", "Europe"), "HU": ("Budapest", "Europe"),
    "BG": ("Sofia", "Europe"), "EE": ("Tallinn", "Europe"), "LT": ("Vilnius", "Europe"),
    "LV": ("Riga", "Europe"), "LU": ("Luxembourg", "Europe"), "AM": ("Yerevan", "Asia"),
    "YE": ("Sanaa", "Asia"), "CO": ("Bogotá", "South America"), "GA": ("Libreville", "Africa"),
    "SL": ("Freetown", "Africa"), "MU": ("Port Louis", "Africa"), "TH": ("Bangkok", "Asia"),
    "CR": ("San José", "North America"), "UA": ("Kyiv", "Europe"), "PL": ("Warsaw", "Europe"),
    "BW": ("Gaborone", "Africa"), "JP": ("Tokyo", "Asia"),
    "BD": ("Dhaka", "Asia"), "PW": ("Ngerulmud", "Oceania"), "LA": ("Vientiane", "Asia"),
    "NE": ("Niamey", "Africa"), "VN": ("Hanoi", "Asia"), "SO": ("Mogadishu", "Africa"),
    "GH": ("Accra", "Africa"), "SN": ("Dakar", "Africa"), "CM": ("Yaoundé", "Africa"),
    "BF": ("Ouagadougou", "Africa"), "CL": ("Santiago", "South America"),
    "CZ": ("Prague", "Europe"), "SD": ("Khartoum", "Africa"), "PS": ("", "Asia"),
    "BS": ("Nassau", "North America"), "CU": ("Havana", "North America"),
    "KW": ("Kuwait City", "Asia"), "DK": ("Copenhagen", "Europe"), "SE": ("Stockholm", "Europe"),
    "FI": ("Helsinki", "Europe"), "NO": ("Oslo", "Europe"), "IS": ("Reykjavík", "Europe"),
    "CH": ("Bern", "Europe"), "MG": ("Antananarivo", "Africa"), "BJ": ("Porto-Novo", "Africa"),
    "GW": ("Bissau", "Africa"), "AE": ("Abu Dhabi", "Asia"), "TO": ("Nukuʻalofa", "Oceania"),
    "PA": ("Panama City", "North America"),
}  # fmt: skip
"""Capital and continent; a capital that is disputed is left empty, and not asked for."""

_CHANGING_CURRENCY = frozenset({"BG"})
"""Source: Council of the EU, 8 July 2025: Bulgaria takes the euro in 2026, which CLDR lags."""
_DATE = datetime.date(2025, 1, 1)
"""Currencies are those of this day."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Country:
    """What is asked about a country.

    Attributes:
        code: ISO 3166-1.
        name: in English.
        capital: or empty.
        continent: or several.
        languages: official ones of the whole country by law, in English.
        currency: in English, or empty.
    """

    code: str
    name: str
    capital: str
    continent: str
    languages: tuple[str, ...]
    currency: str


@lru_cache(maxsize=256)
def country(code: str) -> Country:
    """Returns the facts about a country.

    Raises:
        MissingDependencyError: babel is not installed.
    """
    babel = _babel()
    english = babel.Locale("en")
    capital, continent = _TABLE[code]
    tongues = babel.languages.get_official_languages(code, de_facto=False)
    money = babel.numbers.get_territory_currencies(code, start_date=_DATE, end_date=_DATE)
    if code in _CHANGING_CURRENCY:
        money = []
    return Country(
        code=code,
        name=name_in(code, "en"),
        capital=capital,
        continent=continent,
        languages=tuple(english.languages[t] for t in tongues if t in english.languages),
        currency=babel.numbers.get_currency_name(money[0], locale="en") if money else "",
    )


@lru_cache(maxsize=4096)
def name_in(code: str, language: str) -> str:
    """Returns a country's name in a language.

    >>> name_in("DE", "zh"), name_in("DE", "fr")
    ('德国', 'Allemagne')

    Raises:
        MissingDependencyError: babel is not installed.
    """
    return str(_babel().Locale(language).territories[code])


def _babel() -> Any:
    try:
        import babel
        import babel.languages
        import babel.numbers
    except ImportError as error:
        raise MissingDependencyError(
            "facts about countries need the package babel", hint="pip install 'qvl[data]'"
        ) from error
    return babel
