"""Languages are told apart by their own sentences, scripts by their letters."""

import pytest

from qvl.data.languages import guess_language, script_counts

SENTENCES = {
    "en": "The red circle stands in the middle of the page, and it has a number on it.",
    "de": "Der rote Kreis steht in der Mitte der Seite, und er hat eine Nummer auf sich.",
    "fr": "Le cercle rouge est au milieu de la page et il y a un numéro sur ce cercle.",
    "es": "El círculo rojo está en el centro de la página y no tiene un número como los otros.",
    "it": "Il cerchio rosso si trova al centro della pagina e non ha un numero come gli altri.",
    "pt": "O círculo vermelho está no meio da página e não tem um número como os outros também.",
    "nl": "De rode cirkel staat in het midden van de pagina en er is een nummer op te zien.",
    "ru": "Красный круг стоит посередине страницы.",
    "ja": "赤い丸はページの真ん中にあります。",
    "zh": "红色的圆圈在页面中间。",
    "ko": "빨간 원이 페이지 가운데에 있다.",
    "ar": "الدائرة الحمراء في وسط الصفحة.",
    "hi": "लाल वृत्त पृष्ठ के बीच में है।",
    "th": "วงกลมสีแดงอยู่กลางหน้า",
    "el": "Ο κόκκινος κύκλος είναι στη μέση.",
    "he": "העיגול האדום באמצע הדף.",
}


@pytest.mark.parametrize("language", SENTENCES)
def test_sentences_are_recognised(language: str) -> None:
    guess = guess_language(SENTENCES[language])
    assert guess.language == language
    assert guess.confidence > 0.5


@pytest.mark.parametrize("text", ["", "123 456", "Acme", "shop cart login photo gallery contact"])
def test_what_tells_nothing_is_not_guessed(text: str) -> None:
    assert guess_language(text) == ("", 0.0)


def test_mixtures_are_less_sure() -> None:
    mixed = f"{SENTENCES['en']} {SENTENCES['de']}"
    assert guess_language(mixed).confidence < guess_language(SENTENCES["en"]).confidence
    assert script_counts("abc 红色 кот 3") == {"Latin": 3, "Han": 2, "Cyrillic": 3}
