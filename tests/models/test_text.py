import html
import json
import re
import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.text import MOST_MARKS, Statement, count_words, digest, normalise, split

CASES = [
    json.loads(line)
    for line in (Path(__file__).parent / "statement_cases.jsonl").read_text(encoding="utf-8").splitlines()
]
# "200 млн руб. Минфин добавит" and "Yahoo! News": only a reader who knows the verb, or the name, can tell.
BEYOND_REACH = {"ru-002", "en-060"}

ANY_TEXT = st.text(st.characters(exclude_categories=()))
# Pieces that the rules look at, so that chance puts them together.
MARKUP = "&|amp;|nbsp;|&nbsp;|&shy;|&#173;|&zwj;|&quot;|&#|x41;|39;|&#8490;|&#769;|&#0;|&lt;".split("|")
SPACES = "\u00ad|\u200b|\u0301|\ud800|\x00|\r\n|\n|\u2028|\u00a0| ".split("|")
MARKS = "«|»|“|”|„|\"|'|’|`|(|)|—|- |• |🔴|1. |2) |3/ |а) |...|?!|.|. |!|,|:".split("|")
WORDS = "г.|U.S.|А. |5 |12. |тис.|ст. |IV |ул. |2-го |н. с. |Слово|слово|word|Said|К|і|_".split("|")
PIECES = st.lists(st.sampled_from(MARKUP + SPACES + MARKS + WORDS)).map("".join)


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_hard_case(case: dict[str, object]) -> None:
    right = [statement.text for statement in split(str(case["text"]))] == case["statements"]
    assert right == (case["id"] not in BEYOND_REACH)


def test_hard_cases_are_many_and_balanced() -> None:
    languages = [case["lang"] for case in CASES]
    assert min(languages.count(language) for language in ("ru", "uk", "en")) >= 45
    assert len({case["id"] for case in CASES}) == len({case["text"] for case in CASES}) == len(CASES)


@given(ANY_TEXT | PIECES)
def test_statements_stand_in_the_text_in_order(text: str) -> None:
    end = 0
    gaps = []
    for statement in split(text):
        assert statement.start >= end
        assert statement.text == text[statement.start : statement.end] == statement.text.strip() != ""
        gaps.append(text[end : statement.start])
        end = statement.end
    gaps.append(text[end:])
    for gap in gaps:
        unmarked = re.sub(r"\(?(?:\d{1,2}[.)/]|[a-zа-яіїєґ]\))", "", html.unescape(gap))
        assert not re.search(r"[^\W_]", unmarked), gap


MARKS_IN_A_ROW = st.lists(
    st.sampled_from(["\u0301\u0316", "\u0f73", "\u0344", "&#769;", "\u00ad", "и", "é", "\ufb2c", " "]).flatmap(
        lambda mark: st.integers(1, 2 * MOST_MARKS).map(lambda times: mark * times)
    )
).map("".join)


@given(ANY_TEXT | PIECES | MARKS_IN_A_ROW)
def test_normalise_twice_is_once(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    assert unicodedata.is_normalized("NFC", once)
    assert digest(once) == digest(text)
    assert count_words(once) == count_words(text)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("и\u0306 і\u0308 е\u0308 ґ", "й ї ё ґ"),
        ("пам’ять памʼять пам`ять пам´ять пам‘ять", "пам'ять пам'ять пам'ять пам'ять пам'ять"),
        ("the minister’s ‘view’", "the minister's ‘view’"),
        ("«a» “b” „c“ &quot;d&quot; &laquo;e&raquo;", '"a" "b" "c" "d" "e"'),
        ("a\u00a0b\u200bc\u00add&nbsp;e\r\n\tf", "a bcd e f"),
        ("мо&shy;ва AT&amp;T &amp;nbsp; 1 &lt; 2", "мова AT&amp;T &amp;nbsp; 1 < 2"),
        (" \n ", ""),
    ],
)
def test_normalise(text: str, folded: str) -> None:
    assert normalise(text) == folded


@pytest.mark.parametrize(
    ("text", "words"),
    [("", 0), ("— !", 0), ("Ні", 1), ("п'ять п’ять", 2), ("с\u0301лово мо\u00adва", 2), ("a&nbsp;well-known plan", 3)],
)
def test_count_words(text: str, words: int) -> None:
    assert count_words(text) == words


@pytest.mark.parametrize("marks", ["\u0301\u0316", "&#769;&#790;", "\u0301\u00ad\u0316", "\u0f71\u0f73", "\u0344"])
def test_no_more_marks_in_a_row_are_kept_than_a_word_has(marks: str) -> None:
    folded = normalise(f"да а{marks * 50_000} нет")
    assert folded.startswith("да ")
    assert folded.endswith(" нет")
    assert len(folded) <= len("да а нет") + MOST_MARKS
    few = f"а{marks * 5}"
    assert normalise(few) == unicodedata.normalize("NFC", html.unescape(few).replace("\u00ad", ""))


def test_digest_names_the_normalised_text() -> None:
    assert re.fullmatch(r"[0-9a-f]{16}", digest("\ud800"))
    assert digest("«Да»") == digest('"Да" ')
    assert digest("Да") != digest("да")


def test_offsets_count_code_points_and_cover_entities() -> None:
    text = "🔴 &laquo;Да&raquo;&nbsp;&nbsp;Нет! Точка."
    assert split(text) == [
        Statement("&laquo;Да&raquo;&nbsp;&nbsp;Нет!", 2, 34),
        Statement("Точка.", 35, 41),
    ]


@pytest.mark.parametrize(
    "statements",
    [
        # A number alone goes with what an unknown abbreviation counts, but opens an item of a list.
        "Читайте прибавл. 12.|Ответ дадут там.",
        "Что в плане: 1. Мир.|2. Обмен пленными.|3. Выборы.",
        # Words that are abbreviations too.
        "Солдаты встали в один ряд.|Путин молчал.",
        "Заявили в ОП.|Єрмак мовчав.",
        "She loves modern art.|I, however, do not.",
        "He works on Wall St.|The firm is small.",
        # Letters in a row that end a sentence.
        "Рост составил 2 п. п.|15 стран против.",
        "Он д. ю. н.|Его знают.",
        # Names and no names.
        "См. прил. А.|Комиссия молчит.",
        "Указ огласил Мартынюк О. С.|Зал молчал.",
        "Президента В. А. Зеленского ждут в Киеве.",
        "The U.N. Resolution 2202 was cited.|Others objected.",
        "Its rival is Denholm Bros.|Its own shares rose.",
    ],
)
def test_abbreviations_and_their_doubles(statements: str) -> None:
    assert [statement.text for statement in split(statements.replace("|", " "))] == statements.split("|")


def test_a_lost_quotation_mark_swallows_no_more_than_a_quotation_may_be_long() -> None:
    sentences = ["Это предложение стоит в тексте."] * 40
    assert len(split(" ".join(["«Начало речи.", *sentences, "Конец». Итог."]))) == 43
    assert len(split(" ".join(["«Начало речи.", *sentences[:20], "Конец». Итог."]))) == 2


ADVERSARIAL = (
    '"| "|«|«А.» |"A a," b. "D e." |“a|.|. |А. |a. A|5 г. А |ст. IV |д. А. |Бойко А. |12. |а. 12. |/А|? |!🔴| |\n|a\n'
    "|a,\n|a)\n|- |1. |(|)|—|a|&|&nbsp;|&n&shy;|&#x|\u200d|\x00|a'"
).split("|")


@pytest.mark.parametrize("unit", ADVERSARIAL)
@pytest.mark.parametrize("work", [split, normalise, count_words])
def test_time_grows_with_length(unit: str, work: object) -> None:
    assert callable(work)
    began = time.process_time()
    work((unit * 200_000)[:200_000] + "x")
    # Takes under a second; what grows with the square of the length would take minutes.
    assert time.process_time() - began < 10
