"""Name the language of a statement; `docs/language.md` states and measures the choices."""

import re
from functools import cache

from lingua import IsoCode639_1, Language, LanguageDetector, LanguageDetectorBuilder

from models.text import normalise

UNKNOWN = "und"

_COMMON = "абвгдежзклмнопрстуфхцчш"
_ALPHABETS = {
    "ru": frozenset(_COMMON + "ийщъыьэюяё"),
    "uk": frozenset(_COMMON + "ийщьюяіїєґ"),
    "be": frozenset(_COMMON + "йыьэюяёіў"),
    "bg": frozenset(_COMMON + "ийщъьюя"),
    "mk": frozenset(_COMMON + "иѓѕјљњќџ"),
    "sr": frozenset(_COMMON + "иђјљњћџ"),
}
_LATIN = ("en", "pl", "de", "fr")

_WORD = re.compile(r"[^\W\d_]+")
_CYRILLIC_WORD = re.compile(r"[\u0400-\u052f]+")
_LATIN_WORD = re.compile(r"[A-Za-z\u00aa-\u024f\u1e00-\u1eff]+")
_LONGEST = 2000
"""Characters read: more change no answer and would only cost time."""
_LEAST_CONFIDENCE = 0.3


def identify(text: str) -> str:
    """Name the language that most of a text is written in, as a BCP-47 code, or `und` where evidence is too thin.

    >>> identify("Війська не прийдуть"), identify("Войска не придут"), identify("42!")
    ('uk', 'ru', 'und')
    """
    words = _WORD.findall(normalise(text[:_LONGEST]).lower())
    cyrillic = [word for word in words if _CYRILLIC_WORD.fullmatch(word)]
    latin = [word for word in words if _LATIN_WORD.fullmatch(word)]
    letters = sum(map(len, words))
    # Latin names abound in Cyrillic texts, Cyrillic ones hardly occur in Latin texts: a third is enough.
    if 3 * sum(map(len, cyrillic)) >= letters > 0:
        return _cyrillic(cyrillic)
    if 2 * sum(map(len, latin)) > letters:
        return _most_likely(latin, _LATIN)
    return UNKNOWN


def _cyrillic(words: list[str]) -> str:
    """Leave the languages whose alphabet the fewest words break, and ask for the likeliest where several are left."""
    letters = frozenset("".join(words))
    if codes := tuple(code for code, alphabet in _ALPHABETS.items() if alphabet >= letters):
        return _most_likely(words, codes)
    breaches = {code: sum(not alphabet.issuperset(word) for word in words) for code, alphabet in _ALPHABETS.items()}
    fewest = min(breaches.values())
    # Many words hold letters that none of the languages has: Kazakh, Tajik, ...
    if 3 * fewest > len(words):
        return UNKNOWN
    codes = tuple(code for code, count in breaches.items() if count == fewest)
    # A quotation in another language is left out: the words that all of them could hold decide.
    shared = frozenset.intersection(*(_ALPHABETS[code] for code in codes))
    return _most_likely([word for word in words if shared.issuperset(word)], codes)


def load() -> None:
    """Load the models of all languages, some seconds of work that a first request would else wait for."""
    cyrillic, latin = tuple(_ALPHABETS), _LATIN
    languages = (Language.from_iso_code_639_1(getattr(IsoCode639_1, code.upper())) for code in (*cyrillic, *latin))
    LanguageDetectorBuilder.from_languages(*languages).with_preloaded_language_models().build()


def _most_likely(words: list[str], codes: tuple[str, ...]) -> str:
    if len(codes) == 1:
        return codes[0]
    best = _detector(codes).compute_language_confidence_values(" ".join(words))[0]
    return best.language.iso_code_639_1.name.lower() if best.value > _LEAST_CONFIDENCE else UNKNOWN


@cache
def _detector(codes: tuple[str, ...]) -> LanguageDetector:
    # Detectors are cheap: the models load once for the process, each language when first asked about.
    languages = (Language.from_iso_code_639_1(getattr(IsoCode639_1, code.upper())) for code in codes)
    return LanguageDetectorBuilder.from_languages(*languages).build()
