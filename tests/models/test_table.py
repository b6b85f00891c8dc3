import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.axes import Axis
from models.bundle import Bundle
from models.errors import TableError
from models.lines import LONGEST_LINE
from models.stance import Prediction, Stance
from models.table import LONGEST_TEXT, Reader, Row, Writer, answer, batches, columns, scored, texts


def test_the_columns_of_an_axis_are_those_of_the_design(bundle: Bundle) -> None:
    assert columns(bundle.model.axes[:1]) == [
        "stance_language",
        "stance_version",
        "stance_error",
        "stance_troops",
        "stance_troops_confidence",
        "stance_troops_certain",
        "stance_troops_reason",
        "stance_troops_p_pro",
        "stance_troops_p_anti",
        "stance_troops_p_neutral",
    ]


AXES = (Axis(name="tone", labels=("warm", "cold"), neutral="cold", description="How warm."),)
WARM = Prediction("en", {"tone": Stance("warm", 0.123456, True, None, {"warm": 0.123456, "cold": 0.876544})})


def read(content: bytes, form: str = "ndjson", **options: str) -> list[Row]:
    return list(Reader(io.BytesIO(content), form, AXES, **options))  # type: ignore[arg-type]


LINES = [
    (b'{"text": "a", "n": 1}', None),
    (b'{"text": " "}', "blank_text"),
    (b'{"text": 3}', "missing_text"),
    (b'{"n": 1}', "missing_text"),
    (b'{"text": "a\\ud800"}', "invalid_character"),
    (b'{"text": "a\\u0000"}', "invalid_character"),
    (b'{"text": "' + b"a" * (LONGEST_TEXT + 1) + b'"}', "text_too_long"),
    (b'{"text": "' + b"a" * LONGEST_LINE + b'"}', "line_too_long"),
    (b'{"text": "a"', "invalid_json"),
    (b'{"text": "\xff"}', "invalid_json"),
    (b'{"text": "a", "x": NaN}', "invalid_json"),
    (b'{"text": "a", "x": 1e999}', "invalid_json"),
    (b'{"text": "a", "x": [-1E+999]}', "invalid_json"),
    (b"[" * 100_000, "invalid_json"),
    (b'["a"]', "invalid_row"),
    (b'{"text": "a", "stance_tone": "b"}', "name_taken"),
]


def test_each_bad_line_of_json_keeps_its_place_and_names_its_fault() -> None:
    rows = read(b"\n\n".join(line for line, _ in LINES))
    assert [row.fault for row in rows] == [fault for _, fault in LINES]
    assert texts(rows) == ["a"]
    found = scored("v", rows, [WARM])
    writer = Writer(None, AXES)
    written = [json.loads(line) for line in (writer.put(rows, found) + writer.end()).splitlines()]
    assert written[-1] == {"done": True, "rows": len(LINES), "errors": len(LINES) - 1}
    assert written[0] == {"text": "a", "n": 1, **answer("v", WARM)}
    assert [row.get("stance_error") for row in written[1:-1]] == [fault for _, fault in LINES[1:]]
    assert set(written[0]) - {"text", "n"} <= set(columns(AXES))


def test_the_longest_text_is_the_readers_to_say() -> None:
    for form, content in (("ndjson", b'{"text": "abc"}\n{"text": "abcd"}\n'), ("csv", b"text\nabc\nabcd\n")):
        rows = Reader(io.BytesIO(content), form, AXES, longest=3)  # type: ignore[arg-type]
        assert [row.fault for row in rows] == [None, "text_too_long"]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_is_read_with_its_mark_and_delimiter(mark: bytes, delimiter: str) -> None:
    page = io.StringIO()
    cells = [["date", "text"], ["1", 'a "quoted", one'], ["2", "two\nlines; here"], ["3"], ["4", "x", "y"], ["5", ""]]
    csv.writer(page, delimiter=delimiter).writerows(cells)
    rows = read(mark + page.getvalue().encode(), "csv")
    assert [row.fault for row in rows] == [None, None, "invalid_row", "invalid_row", "blank_text"]
    assert texts(rows) == ['a "quoted", one', "two\nlines; here"]
    assert [row.values["date"] for row in rows] == ["1", "2", "3", "4", "5"]


def test_an_encoding_is_named_and_bytes_of_another_are_a_fault_of_their_row() -> None:
    content = "text\nДа будет так\n".encode("cp1251")
    assert texts(read(content, "csv", encoding="cp1251")) == ["Да будет так"]
    rows = read(b"text\nfine\n" + "плохо".encode("cp1251") + b"\nfine too\n", "csv")
    assert [row.fault for row in rows] == [None, "invalid_character", None]
    writer = Writer(("text",), AXES)
    assert "\N{REPLACEMENT CHARACTER}" in writer.put(rows[1:2], scored("v", rows[1:2], []))
    with pytest.raises(TableError, match="encoding 'klingon' is unknown"):
        read(b"text\n", "csv", encoding="klingon")


@pytest.mark.parametrize(
    ("header", "told"),
    [("body", "no column 'text'; there are: body"), ("text,text", "same name"), ("text,stance_tone", "stance_tone")],
)
def test_a_header_that_cannot_be_is_refused_at_once(header: str, told: str) -> None:
    with pytest.raises(TableError, match=told):
        read(f"{header}\na\n".encode(), "csv")


ILLEGIBLE = [
    ("дата;текст\n1;2\n".encode("cp1251"), "utf-8"),
    ("дата;текст\n1;2\n".encode("utf-16"), "utf-8"),
    ("дата;текст\n1;2\n".encode(), "utf-16"),
    ("дата;текст\n1;2\n".encode(), "utf-8\0"),
    (b"a" * 200_000 + b",b\n", "utf-8"),
    (b"a" * 2 * LONGEST_LINE, "utf-8"),
    (b'"' + b"a" * 200_000, "utf-8"),
    (b'"' + b"a\n" * LONGEST_LINE, "utf-8"),
    (b'text,"' + b"a\n" * LONGEST_LINE, "utf-8"),
]


@pytest.mark.parametrize(("content", "encoding"), ILLEGIBLE)
def test_a_header_that_cannot_be_read_is_refused_in_words_that_can_be_sent(content: bytes, encoding: str) -> None:
    with pytest.raises(TableError) as raised:
        read(content, "csv", encoding=encoding)
    assert len(str(raised.value).encode()) < 300


def test_an_error_names_columns_and_repeats_no_text() -> None:
    with pytest.raises(TableError, match=r"there are: date, Текст, 2 more$"):
        read("date,Текст,Войск не будет.,2026\n".encode(), "csv")


@pytest.mark.parametrize("encoding", ["utf-8", "UTF-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32-le"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_byte_order_mark_is_no_part_of_the_first_name(encoding: str, mark: str) -> None:
    content = f"{mark}text,n\nДа будет так,1\n".encode(encoding)
    assert read(content, "csv", encoding=encoding)[0].values == {"text": "Да будет так", "n": "1"}


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("строка, и ещё\n" * 12_000, "text_too_long"),
        ('строка, "и" ещё\n' * (LONGEST_LINE // 8), "line_too_long"),
        ("а" * 2 * LONGEST_LINE + "\nи, ещё", "line_too_long"),
        ('"\n' * LONGEST_LINE, "line_too_long"),
    ],
)
def test_a_cell_of_any_length_is_one_row(cell: str, found: str) -> None:
    page = io.StringIO()
    csv.writer(page).writerows([["n", "text"], ["1", "one"], ["2", cell], ["3", "three"]])
    rows = read(page.getvalue().encode(), "csv")
    assert [row.fault for row in rows] == [None, found, None]
    assert texts(rows) == ["one", "three"]


def test_a_lost_quotation_mark_takes_no_more_memory_than_a_row() -> None:
    rows = read(b'text\nfine\n"lost\n' + b"a statement\n" * LONGEST_LINE, "csv")
    assert [row.fault for row in rows] == [None, "line_too_long"]


@pytest.mark.parametrize(
    ("form", "content"),
    [
        ("ndjson", (b'{"text": "a", "x": [' + b"[]," * 100_000 + b"[]]}\n") * 40),
        ("csv", b"text,x\n" + (b"a," + b"b" * 300_000 + b"\n") * 40),
        ("csv", b"text" + b",".join(b"%d" % n for n in range(100_000)).join((b",", b"\n")) + b"a\n" * 40),
    ],
)
def test_a_batch_is_small_where_its_rows_are_large(form: str, content: bytes) -> None:
    sizes = [len(batch) for batch in batches(Reader(io.BytesIO(content), form, AXES))]  # type: ignore[arg-type]
    assert sum(sizes) == 40
    assert max(sizes) <= 3
    assert [len(batch) for batch in batches([Row({}, None, 100)] * 600)] == [256, 256, 88]


def test_formulas_are_led_by_an_apostrophe_where_a_spreadsheet_is_meant() -> None:
    rows = read(b"text,n\n=1+1,-5\n@x,5\n", "csv")
    for spreadsheet, expected in ((True, [["'=1+1", "'-5"], ["'@x", "5"]]), (False, [["=1+1", "-5"], ["@x", "5"]])):
        writer = Writer(("text", "n"), AXES, spreadsheet)
        written = list(csv.reader(io.StringIO(writer.begin() + writer.put(rows, scored("v", rows, [WARM, WARM])))))
        assert written[0] == ["text", "n", *columns(AXES)]
        assert [row[:2] for row in written[1:]] == expected
        assert dict(zip(written[0], written[1], strict=True))["stance_tone_certain"] == "true"


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)


@given(st.lists(st.tuples(CELLS, CELLS), max_size=8))
def test_what_csv_writes_it_reads_again(rows: list[tuple[str, str]]) -> None:
    given_rows = [Row({"text": text, "more": more}, "invalid_row") for text, more in rows]
    writer = Writer(("text", "more"), AXES)
    page = writer.begin() + writer.put(given_rows, [{} for _ in rows])
    read_again = list(csv.reader(io.StringIO(page, newline="")))
    assert [tuple(cells[:2]) for cells in read_again[1:]] == rows
