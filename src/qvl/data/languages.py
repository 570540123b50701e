"""Which language and which script a text is in, told by its letters and its smallest words.

Owns: scripts by their ranges, stop words of a few languages, the guess. Does not own: what follows
from it (``filters.interleaved``, ``rejection``). Any function with the same signature as
`guess_language`, such as one around a trained classifier, takes its place.

    text -> script_counts() -> {"Latin": 210, "Han": 3};  text -> guess_language() -> ("en", 0.93)

Languages with a script of their own are told by it; those of the Latin script by stop words, which
make up a third to a half of running text. Short texts and names alone tell nothing.
"""

import functools
import re
from collections import Counter, defaultdict
from typing import NamedTuple

STOP_WORDS: dict[str, frozenset[str]] = {
    language: frozenset(words.split())
    for language, words in {
        "en": """a about above after again against all almost alone along already also although
            always am among an and another any anyone anything are around as at away back be
            because become been before began behind being below between both but by came can
            cannot come could did do does doing done down during each either else enough even
            ever every everyone everything few first for from further gave get gets give given
            go goes going got had has have having he her here hers herself him himself his how
            however i if in instead into is it its itself just keep kept last least less let
            like made make many may me might mine more most much must my myself near neither
            never next no nobody none nor not nothing now of off often on once one only onto or
            other others our ours out over own perhaps put rather said same saw say see seem
            seems shall she should since so some someone something sometimes still such take
            taken than that the their theirs them themselves then there these they this those
            though three through to together too toward two under until up upon us very was we
            well went were what whatever when where whether which while who whole whom whose why
            will with within without would yet you your yours yourself""",
        "de": """aber alle als also am an auch auf aus bei beim bis da damit dann das dass dem den
            der des die dies diese dieser doch du durch ein eine einem einen einer er es euch
            für habe haben hat hatte hier ich ihm ihn ihr im immer in ist ja jede jetzt kann
            kein keine können man mehr mit nach nicht noch nun nur ob oder ohne schon sehr sein
            sich sie sind so um und uns unter vom von vor war waren was weil wenn werden wie wir
            wird wo zu zum zur über""",
        "fr": """ai au aussi aux avec avoir c'est ce ces cette comme dans de des donc du elle elles
            en est et eu fait font il ils je la le les leur leurs lui mais me même mes moi mon
            ne nos notre nous on ont ou où par pas plus pour qu que qui sa sans se ses si son
            sont sous sur ta te tes toi ton tous tout très tu un une vos votre vous y à été être""",
        "es": """al algo como con cuando de del desde donde dos el ella ellos en entre era es esa
            ese esta este esto está están fue ha hace han hasta hay la las le les lo los me
            mi mientras mucho muy más nada ni no nos o otra otro para pero poco por porque
            que quien qué se según ser si sin sobre son su sus también tan te tiene todo
            todos tu un una uno y ya yo""",
        "it": """a ad ai al alla alle anche c che chi ci come con cosa da dal dalla degli dei del
            della delle dello di dove e ed era essere fra gli ha hanno i il in io la le lei li
            lo loro lui ma mi molto ne nei nel nella noi non o ogni per perché più poi quando
            quanto quella quello questa questo se si sia sono su sua suo sul sulla tra tu tutti
            tutto un una uno è""",
        "pt": """ao aos as até com como da das de do dos e ela ele eles em entre era essa esse esta
            este eu foi foram há isso isto já la lhe mais mas me mesmo meu minha muito na nas
            nem no nos não nós o os ou para pela pelo por porque qual quando que quem se sem ser
            seu sua são só também te tem tinha tudo um uma você é à""",
        "nl": """aan al als bij dan dat de der deze die dit doch doen door dus een en er ge geen had
            heb hebben heeft hem het hier hij hoe hun ik in is ja je kan kon kunnen maar me meer
            men met mij mijn moet na naar niet niets nog nu of om omdat onder ons ook op over
            reeds te tegen toch toen tot u uit uw van veel voor want waren was wat werd wezen
            wie wij wil worden wordt zal ze zei zelf zich zij zijn zo zonder zou""",
    }.items()
}
"""Function words, which carry grammar and no topic. Source: the closed word classes of each grammar
(articles, pronouns, prepositions, conjunctions, auxiliaries) and the commonest adverbs."""

# Source: Unicode 15.1, Scripts.txt; the blocks that hold nearly all letters of each script.
_RANGES = {
    "Latin": "A-Za-zªº\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff",
    "Greek": "\u0370-\u0373\u0376-\u03ff\u1f00-\u1fff",
    "Cyrillic": "\u0400-\u052f",
    "Hebrew": "\u05d0-\u05ea",
    "Arabic": "\u0620-\u064a\u066e-\u06d3\u0750-\u077f",
    "Devanagari": "\u0900-\u097f",
    "Thai": "\u0e00-\u0e7f",
    "Kana": "\u3040-\u30ff\u31f0-\u31ff",
    "Han": "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff",
    "Hangul": "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af",
}
SCRIPTS = {name: re.compile(f"[{letters}]") for name, letters in _RANGES.items()}
"""A letter of each script."""

_OF_SCRIPT = {
    "Greek": "el", "Cyrillic": "ru", "Hebrew": "he", "Arabic": "ar", "Devanagari": "hi",
    "Thai": "th", "Kana": "ja", "Han": "zh", "Hangul": "ko",
}  # fmt: skip
"""The most spoken language of a script stands for all."""

_WORDS = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?")
_FEWEST_WORDS = 5
# Japanese mixes its own letters with Han; a tenth of them is enough to be none of Chinese.
_KANA_IN_JAPANESE = 0.1


class Guess(NamedTuple):
    """A language by its ISO 639-1 code, "" when nothing tells, and how sure it is, 0 to 1."""

    language: str
    confidence: float


def script_counts(text: str) -> Counter[str]:
    """Returns how many letters of each script there are; letters of other scripts do not count.

    >>> script_counts("red 红色 3")
    Counter({'Latin': 3, 'Han': 2})
    """
    if text.isascii():
        count = sum(map(str.isalpha, text))
        return Counter({"Latin": count} if count else {})
    found = {name: len(letter.findall(text)) for name, letter in SCRIPTS.items()}
    return Counter({name: count for name, count in found.items() if count})


def guess_language(text: str) -> Guess:
    """Returns the likeliest language and the share of the evidence that speaks for it.

    >>> guess_language("Das ist ein Haus, und es ist nicht sehr alt.").language
    'de'
    >>> guess_language("东京是日本的首都。").language, guess_language("Acme 3000").language
    ('zh', '')
    """
    return _guess(text)


@functools.lru_cache(maxsize=16)  # several rules in a row ask about one text
def _guess(text: str) -> Guess:
    scripts = script_counts(text)
    total = scripts.total()
    if not total:
        return Guess("", 0.0)
    script, count = scripts.most_common(1)[0]
    if scripts["Kana"] >= _KANA_IN_JAPANESE * (scripts["Kana"] + scripts["Han"]) > 0:
        japanese = scripts["Kana"] + scripts["Han"]
        if japanese >= count:
            return Guess("ja", japanese / total)
    if script != "Latin":
        return Guess(_OF_SCRIPT[script], count / total)
    return _by_stop_words(text, count / total)


def _by_stop_words(text: str, share: float) -> Guess:
    words = _WORDS.findall(text.lower())
    if len(words) < _FEWEST_WORDS:
        return Guess("", 0.0)
    languages = _languages_of()
    votes: defaultdict[str, float] = defaultdict(float)
    # A word of several languages, such as "in", says little for each.
    for word, times in Counter(filter(languages.__contains__, words)).items():
        claimed = languages[word]
        for language in claimed:
            votes[language] += times / len(claimed) ** 2
    total = sum(votes.values())
    if total < 0.1 * len(words):
        return Guess("", 0.0)
    language = max(votes, key=lambda name: (votes[name], name))
    return Guess(language, share * votes[language] / total)


@functools.cache
def _languages_of() -> dict[str, tuple[str, ...]]:
    """For each stop word the languages that have it."""
    words: dict[str, list[str]] = {}
    for language, found in STOP_WORDS.items():
        for word in found:
            words.setdefault(word, []).append(language)
    return {word: tuple(found) for word, found in words.items()}
