"""Fold texts for the model and split articles into statements; `docs/splitting.md` states and measures the rules."""

import hashlib
import html
import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from models.abbreviations import abbreviates

_INVISIBLE = "\u00ad\u200b-\u200d\u2060\ufeff"
_UNSEEN = re.compile(f"[{_INVISIBLE}]")
_SYMBOL = "\u2190-\u2bff\ufe0f\u200d\u20e3\U0001f000-\U0001faff"
_LETTER = r"[^\W\d_]"
# A numeric reference longer than this names no character.
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_ENTITY_START = re.compile(r"&[#A-Za-z0-9]*\Z")
# The mark comes first, for it is rare: to look for a letter first takes four times as long.
_APOSTROPHE = re.compile(rf"['’ʼ`´‘](?<={_LETTER}.)(?={_LETTER})")
_DOUBLE_QUOTES = re.compile("[«»“”„‟″〝〞＂]")
_WORD = re.compile(r"(?:[^\W_][\u0300-\u036f]*)+(?:['‐‑-](?:[^\W_][\u0300-\u036f]*)+)*")


MOST_MARKS = 30
"""Combining marks in a row, as in the Stream-Safe Text Format of UAX #15; no word in any language has more. To put
them in order takes time that grows with the square of their number, and stops every thread."""
# No mark is a letter, and none comes before U+0300.
_MANY_SIGNS = re.compile(rf"[^\w\s\x00-\u02ff]{{{MOST_MARKS + 1},}}")
LONGEST_STATEMENT = 2_000
"""Characters: a statement is a sentence or two; a longer text is an article that was not split."""
UNWRITABLE = re.compile("[\\x00\ud800-\udfff]")
"""What no text holds: NUL, and halves of surrogate pairs, which UTF-8 cannot write."""


@dataclass(frozen=True, slots=True)
class Statement:
    """Hold one statement of an article; offsets count Unicode code points, so `article[start:end] == text`."""

    text: str
    start: int
    end: int


def normalise(text: str) -> str:
    r"""Fold what writers and web pages vary without meaning: entities, quotation marks, apostrophes, white space.

    Normalising twice changes nothing more.

    >>> normalise(" «Пам’ять»&nbsp;—  &quot;memory&quot; ")
    '"Пам\'ять" — "memory"'
    """
    text = _composed(_UNSEEN.sub("", text))
    text = _composed(_ENTITY.sub(_decoded, text))
    text = _APOSTROPHE.sub("'", _DOUBLE_QUOTES.sub('"', text))
    return " ".join(text.split())


def count_words(text: str) -> int:
    """Count runs of letters and digits, with apostrophes and hyphens inside them.

    >>> count_words("Прем'єр-міністр сказав: 15 тис.")
    4
    """
    return sum(1 for _ in _WORD.finditer(normalise(text)))


def digest(text: str) -> str:
    """Name a text by the first 16 hex digits of the SHA-256 of its normalised form.

    >>> digest("Нет  войскам") == digest(" Нет войскам")
    True
    """
    return hashlib.sha256(normalise(text).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def split(text: str) -> list[Statement]:
    """Split an article into statements in order; between them stand only white space, bullets and list numbers.

    >>> [statement.text for statement in split("«Да. Мы готовы», — сказал он. Зал молчал.")]
    ['«Да. Мы готовы», — сказал он.', 'Зал молчал.']
    """
    return list(_statements(text, lambda block: (end.end() for end in _END.finditer(block))))


def _composed(text: str) -> str:
    """Put a text in NFC, without the marks that follow the thirtieth in a row."""
    # To compose may take a mark apart into two, so what comes out is bounded too.
    return _MANY_SIGNS.sub(_bounded, unicodedata.normalize("NFC", _MANY_SIGNS.sub(_bounded, text)))


def _bounded(signs: re.Match[str]) -> str:
    kept, marks = [], 0
    for sign in signs[0]:
        # Three Tibetan vowels are no marks by themselves but made of marks.
        marks = marks + 1 if unicodedata.combining(unicodedata.normalize("NFD", sign)[0]) else 0
        if marks <= MOST_MARKS:
            kept.append(sign)
    return "".join(kept)


def _decoded(entity: re.Match[str]) -> str:
    """Decode one entity unless the text would then hold a new one: only so does normalising twice change nothing."""
    character = _UNSEEN.sub("", unicodedata.normalize("NFC", html.unescape(entity[0])))
    if not character:
        joins = _ENTITY_START.search(entity.string, max(0, entity.start() - 40), entity.start())
        return entity[0] if joins else ""
    return entity[0] if re.search(r"[A-Za-z0-9#&;]", character) else character


# A line break ends a statement, unless the line plainly runs on.
_LINE_BREAK = r"(?:\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029])"
_BREAK = re.compile(rf"{_LINE_BREAK}\s*")
_PARAGRAPH = re.compile(rf"{_LINE_BREAK}[^\S\r\n]*{_LINE_BREAK}")
_BLANK = "".join(filter(str.isspace, map(chr, range(0x3001)))) + "\u00ad\u200b\u200c\u200d\u2060\ufeff"
_MARKER = re.compile(
    rf"(?:[\s{_INVISIBLE}]*(?:[{_SYMBOL}]|[-–—−•*·▪‣⁃#>]+(?=\s)|\(?\d{{1,2}}[.)/](?=\s)|\(?[a-zа-яіїєґ]\)(?=\s)))*"
    rf"[\s{_INVISIBLE}]*"
)
_WORD_CHARACTER = re.compile(r"[^\W_]")
_FIRST_ITEM = re.compile(r"(?<!\S)\(?1[.)]\s")
_ITEM_NUMBER = re.compile(r"(?:\A|[:;]\s)\(?\d{1,2}\.\Z")
_NUMBER_ALONE = re.compile(r"\d{1,2}\.(?:\s|\Z)")

_LONGEST_QUOTATION = 1000
"""A quotation or bracket longer than this many characters is taken for a lost mark and protects nothing."""
_DEEPEST_NESTING = 16
_PARTNERS = {"»": "«", "”": "“„", "“": "„", '"': '"', "’": "‘", ")": "(", "]": "["}
_MARK = re.compile(r"[«»“”„‘’\"()\[\]]")

_END = re.compile(rf"(?<![.!?…])[.!?…]+[»”“\"’')\]]*(?:\s*[{_SYMBOL}])*\s+")
_RUNS_ON = re.compile(r"[-–—−]\s|[,;:)\]»”]")
_STARTS_WITH_QUOTATION = re.compile(r"[«“„\"‘]")
_ENDS_WITH_QUOTATION = re.compile(r"[»”“\"’][.!?…]*\Z")
_SPEECH = re.compile(
    r"(?:[A-Z][\w.'’-]*\s+){1,5}(?:said|says|asked|told|added|wrote|replied|warned|exclaimed|shouted|declared)\b"
)
_UPPER = "A-ZА-ЯЁІЇЄҐ"
_AGENCY = rf"(?:/[^/]{{2,60}}/|\(?[{_UPPER}][\w-]*(?:\s[{_UPPER}][\w-]*)?\)?)\."
_DATELINE = re.compile(
    rf"[{_UPPER}][{_UPPER}'’ ./-]{{2,40}}[.,]\s*\d{{1,2}}\s+\w{{3,9}}\b\.?(?:\s+\d{{4}}(?:\s+\w{{1,4}}\.?)?)?"
    rf"(?:\s*[—–-]?\s*{_AGENCY})?"
)


def _statements(text: str, starts: Callable[[str], Iterable[int]]) -> Iterator[Statement]:
    view, origin = _view(text)
    for block, end in _blocks(view):
        marker = _MARKER.match(view, block, end)
        begin = marker.end() if marker else block
        listed = bool(_FIRST_ITEM.search(view, block, end))
        for first, last in _sentences(view[begin:end].rstrip(_BLANK), listed, starts):
            start, stop = origin[begin + first], origin[begin + last]
            yield Statement(text[start:stop], start, stop)


def _view(text: str) -> tuple[str, Sequence[int]]:
    """Decode entities that stand for one character, and say where each character of the result begins in the text."""
    pieces: list[str] = []
    origin: list[int] = []
    last = 0
    for entity in _ENTITY.finditer(text):
        character = html.unescape(entity[0])
        if len(character) == 1:
            pieces += text[last : entity.start()], character
            origin += range(last, entity.start() + 1)
            last = entity.end()
    if not pieces:
        return text, range(len(text) + 1)
    return "".join([*pieces, text[last:]]), [*origin, *range(last, len(text) + 1)]


def _blocks(view: str) -> Iterator[tuple[int, int]]:
    begin = 0
    for line_break in _BREAK.finditer(view):
        if not _wraps(view, line_break):
            yield begin, line_break.start()
            begin = line_break.end()
    yield begin, len(view)


def _wraps(view: str, line_break: re.Match[str]) -> bool:
    """Tell whether a single line break stands inside a sentence: after a comma, or before a small letter."""
    line = view[max(0, line_break.start() - 40) : line_break.start()].rstrip(_BLANK)
    after = line_break.end()
    # No bullet is longer; without an end this would read the rest of a list at each of its lines.
    marker = _MARKER.match(view, after, after + 8)
    if _PARAGRAPH.match(line_break[0]) or (marker and marker.end() > after):
        return False
    return line.endswith(",") or (view[after : after + 1].islower() and not line.endswith((":", ";")))


def _sentences(block: str, listed: bool, starts: Callable[[str], Iterable[int]]) -> Iterator[tuple[int, int]]:
    """Yield where each statement of a block begins and ends; `listed` blocks may number items within the line."""
    first_word = _WORD_CHARACTER.search(block)
    if not first_word:
        return
    last_word = len(block) - next(i for i, character in enumerate(reversed(block)) if _WORD_CHARACTER.match(character))
    quotations = _quotations(block)
    dateline = _DATELINE.match(block)
    begin = 0
    for start in starts(block):
        if start >= last_word:
            break
        if first_word.start() >= start or (dateline and start <= dateline.end() + 1):
            continue
        if _joins(block, begin, start, quotations, listed):
            continue
        yield begin, begin + len(block[begin:start].rstrip(_BLANK))
        begin = start
        first_word = _WORD_CHARACTER.search(block, begin) or first_word
    yield begin, len(block)


def _quotations(block: str) -> list[tuple[int, int]]:
    """List the outermost quotations and brackets that close, by the places of their two marks."""
    open_marks: list[tuple[str, int]] = []
    closed: list[tuple[int, int]] = []
    for match in _MARK.finditer(block):
        mark, place = match[0], match.start()
        opens = _opens(mark, block[place - 1 : place], block[place + 1 : place + 2])
        opener = None
        # A straight mark that can open does, and an apostrophe is no mark.
        if not (opens and mark == '"') and not (mark == "’" and block[place + 1 : place + 2].isalpha()):
            partners = _PARTNERS.get(mark, "")
            opener = next((i for i in reversed(range(len(open_marks))) if open_marks[i][0] in partners), None)
        if opener is not None:
            start = open_marks[opener][1]
            del open_marks[opener:]
            if place - start <= _LONGEST_QUOTATION:
                while closed and closed[-1][0] > start:
                    closed.pop()
                closed.append((start, place))
        elif opens:
            open_marks.append((mark, place))
            del open_marks[:-_DEEPEST_NESTING]
    return closed


def _opens(mark: str, before: str, after: str) -> bool:
    """Tell whether a mark between two characters (empty at the ends of the block) can open a quotation or bracket."""
    if mark == '"':
        return (not before or before.isspace() or before in "([«„“—–-/") and not after.isspace()
    # Between a letter or full stop and a space, “ closes „ and ‘ is an apostrophe.
    return mark in "«„([" or (mark in "“‘" and not before.isalnum() and (not before or before not in ".,!?…"))


def _joins(block: str, begin: int, start: int, quotations: list[tuple[int, int]], listed: bool) -> bool:
    """Tell whether what begins at `start` still belongs to the statement that begins at `begin`."""
    index = bisect_left(quotations, (start,))
    if index and quotations[index - 1][1] >= start:
        return True
    before = block[max(begin, start - 60) : start].rstrip(_BLANK)
    after = block[start : start + 120]
    if after[:1].islower() or _RUNS_ON.match(after) or abbreviates(before, after):
        return True
    if _ITEM_NUMBER.search(before):
        return listed
    # Without a list, a number alone belongs to an abbreviation that is not known: "... xyz. 12."
    if not listed and _NUMBER_ALONE.match(after) and before[-2:-1].isalpha():
        return True
    if re.search(r"[!?…][»”\"’]\Z", before):
        return bool(_SPEECH.match(after))
    # "We are ready," he said. "We will come.": the second quotation has no other holder than the first.
    if index < len(quotations) and quotations[index][0] == start and _STARTS_WITH_QUOTATION.match(block, begin):
        return not _ENDS_WITH_QUOTATION.search(before) and _stands_alone(block, quotations[index][1])
    return False


def _stands_alone(block: str, close: int) -> bool:
    """Tell whether a sentence ends where its quotation closes, without an attribution."""
    tail = block[close - 1 : close + 120]
    end = re.match(r"(?:[.!?…].|.[.!?…])[.!?…]*(?:\s+|\Z)", tail)
    if not end:
        return False
    rest = tail[end.end() :]
    return not (rest[:1].islower() or _RUNS_ON.match(rest) or _SPEECH.match(rest))
