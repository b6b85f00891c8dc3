import json
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.axes import Axis, read_axes
from models.errors import CorpusError, TrainingError
from training import corpus as module
from training.corpus import AXES, GOLD, Corpus, corpus_files, part_of, read_corpus, read_texts

GOOD = {"id": "1", "lang": "en", "text": "No soldiers will go.", "troops": "anti", "outlook": "neutral"}
OTHER = {**GOOD, "id": "2", "text": "Soldiers will go.", "troops": "pro"}


@pytest.fixture
def axes() -> tuple[Axis, ...]:
    return read_axes(AXES)


def lines(file: Path, *rows: object) -> Path:
    file.parent.mkdir(exist_ok=True)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def faults(error: pytest.ExceptionInfo[CorpusError]) -> set[tuple[int, str]]:
    return {(row.line, row.column) for row in error.value.rows}


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_the_three_forms_read_alike(tmp_path: Path, axes: tuple[Axis, ...], suffix: str) -> None:
    file, frame = tmp_path / f"rows{suffix}", pd.DataFrame([GOOD, {**OTHER, "outlook": None}])
    if suffix == ".jsonl":
        file.write_text(frame.to_json(orient="records", lines=True))
    elif suffix == ".csv":
        frame.to_csv(file, index=False, encoding="utf-8-sig", sep=";")
    else:
        frame.to_parquet(file)
    corpus = read_corpus([file], axes)
    assert corpus.frame[["id", "troops", "outlook"]].values.tolist() == [["1", "anti", "neutral"], ["2", "pro", None]]
    assert (
        corpus.record.digest
        == read_corpus([lines(tmp_path / "again.jsonl", OTHER | {"outlook": None}, GOOD)], axes).record.digest
    )


BAD = [
    ({**GOOD, "id": ""}, "id"),
    ({**GOOD, "id": 7}, "id"),
    ({**GOOD, "lang": "de"}, "lang"),
    ({**GOOD, "text": " \n"}, "text"),
    ({**GOOD, "text": None}, "text"),
    ({**GOOD, "text": 3}, "text"),
    ({**GOOD, "text": "x" * 2001}, "text"),
    ({**GOOD, "troops": "for"}, "troops"),
    ({**GOOD, "troops": None, "outlook": None}, "(row)"),
    ({**GOOD, "provenance": "found"}, "provenance"),
    ({**GOOD, "kind": "tweet"}, "kind"),
    ({**GOOD, "trait": "Not A Name"}, "trait"),
    ({**GOOD, "date": "5 May 2024"}, "date"),
    ({**GOOD, "source_url": "ftp://example.org"}, "source_url"),
    ({**GOOD, "group": " "}, "group"),
    ({**GOOD, "tropps": "pro"}, "tropps"),
    ({**GOOD, "id": ["a"]}, "id"),
    ({**GOOD, "id": "a\ud800"}, "id"),
    ({**GOOD, "text": "a \x00 b"}, "text"),
    ({**GOOD, "text": "a \udc00 b"}, "text"),
    ({**GOOD, "text": "\u200b"}, "text"),
    ({**GOOD, "group": "\ud800"}, "group"),
    ({**GOOD, "date": 2024}, "date"),
    ({**GOOD, "date": "2024\n"}, "date"),
    ({**GOOD, "date": "2024-13"}, "date"),
    ({**GOOD, "date": "2023-02-29"}, "date"),
    ({**GOOD, "date": "2024-W01-1"}, "date"),
    ({**GOOD, "trait": 5}, "trait"),
    ({**GOOD, "source_url": {}}, "source_url"),
    ({**GOOD, "lang": ["en"]}, "lang"),
    ([1, 2], "(row)"),
]


@pytest.mark.parametrize(("row", "column"), BAD)
def test_a_bad_row_is_named_by_file_line_and_column(
    tmp_path: Path, axes: tuple[Axis, ...], row: object, column: str
) -> None:
    file = lines(tmp_path / "rows.jsonl", OTHER, row)
    with pytest.raises(CorpusError) as caught:
        read_corpus([file], axes)
    assert faults(caught) == {(2, column)}
    assert f"{file}:2: {column}: " in str(caught.value)


def test_all_bad_rows_of_all_files_come_in_one_report(tmp_path: Path, axes: tuple[Axis, ...]) -> None:
    first = lines(tmp_path / "a.jsonl", GOOD, {**OTHER, "lang": "xx", "troops": "x"})
    second = tmp_path / "b.csv"
    second.write_text('id,lang,text,troops\n3,en,"two\nlines",pro\n4,en,,pro\n5,en,a,b,c\n', encoding="utf-8")
    third = tmp_path / "c.jsonl"
    twin = json.dumps(GOOD | {"id": "9", "lang": "xx"})
    third.write_bytes(b'{"id": \n\n{"id": "\xff"}\n' + twin.encode())
    with pytest.raises(CorpusError) as caught:
        read_corpus([first, second, third, tmp_path / "none.jsonl", tmp_path / "d.txt"], axes)
    found = {(Path(row.file).name, row.line, row.column) for row in caught.value.rows}
    assert found == {
        ("a.jsonl", 2, "lang"),
        ("a.jsonl", 2, "troops"),
        ("b.csv", 4, "text"),
        ("b.csv", 5, "(row)"),
        ("c.jsonl", 1, "(row)"),
        ("c.jsonl", 3, "(row)"),
        ("c.jsonl", 4, "text"),
        ("c.jsonl", 4, "lang"),
        ("none.jsonl", 0, "(file)"),
        ("d.txt", 0, "(file)"),
    }


@pytest.mark.parametrize("content", [b"\xff\xfe", b"", b"\n\n"])
def test_a_file_without_a_row_is_an_error(tmp_path: Path, axes: tuple[Axis, ...], content: bytes) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_bytes(content)
    with pytest.raises(CorpusError, match=r"not UTF-8|holds no row"):
        read_corpus([file], axes)


def test_a_file_that_only_claims_to_be_parquet_is_an_error(tmp_path: Path, axes: tuple[Axis, ...]) -> None:
    file = tmp_path / "rows.parquet"
    file.write_bytes(b"PAR0")
    with pytest.raises(CorpusError, match="is not Parquet"):
        read_corpus([file], axes)


@pytest.mark.parametrize(
    ("content", "line", "told"),
    [
        ("1,en,No header here.,anti\n", 1, "names no id, lang, text: a header must"),
        ("text,troops\nNo language here.,anti\n", 1, "names no id, lang: a header must"),
        ("id,lang,text,troops,text\n1,en,Twice here.,anti,x\n", 1, "names a column twice: a header must"),
        ("id,lang,text,text\n", 1, "no column twice"),
        ('id,lang,text,troops\n1,en,a b,pro\n2,en,"a" b,pro\n', 3, "not CSV"),
    ],
)
def test_a_faulty_csv_is_named_by_line_without_its_text(
    tmp_path: Path, axes: tuple[Axis, ...], content: str, line: int, told: str
) -> None:
    file = tmp_path / "rows.csv"
    file.write_text(content)
    with pytest.raises(CorpusError, match=told) as caught:
        read_corpus([file], axes)
    assert faults(caught) == {(line, "(row)")}
    assert "No header here" not in str(caught.value)


def test_what_spreadsheets_and_data_frames_add_is_taken(tmp_path: Path, axes: tuple[Axis, ...]) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("\ufeff id ; lang;text; troops;\r\n1;en;Soldiers stay.;anti;\r\n\r\n")
    assert read_corpus([file], axes).frame["troops"].tolist() == ["anti"]
    frame = pd.DataFrame([GOOD | {"date": pd.Timestamp("2024-05-06")}], index=[4]).set_index(pd.Index([7]))
    frame.to_parquet(tmp_path / "rows.parquet")
    assert read_corpus([tmp_path / "rows.parquet"], axes).frame["date"].tolist() == ["2024-05-06"]


def test_a_name_that_stands_twice_in_a_row_is_refused(tmp_path: Path, axes: tuple[Axis, ...]) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"id": "1", "lang": "en", "text": "a b", "troops": "pro", "troops": "anti"}')
    with pytest.raises(CorpusError, match="twice"):
        read_corpus([file], axes)


def test_an_id_and_a_text_stand_once(tmp_path: Path, axes: tuple[Axis, ...]) -> None:
    with pytest.raises(CorpusError) as caught:
        read_corpus([lines(tmp_path / "rows.jsonl", GOOD, {**OTHER, "id": "1"})], axes)
    assert faults(caught) == {(2, "id")}
    with pytest.raises(CorpusError, match=r"stands already in .*rows\.jsonl:1") as caught:
        read_corpus([lines(tmp_path / "rows.jsonl", GOOD, {**OTHER, "text": " No  soldiers will go. "})], axes)
    assert faults(caught) == {(2, "text")}


def test_texts_of_the_outside_check_are_refused(tmp_path: Path, axes: tuple[Axis, ...]) -> None:
    held = json.loads(GOLD.read_text(encoding="utf-8").splitlines()[0])["text"]
    with pytest.raises(CorpusError, match="outside check"):
        read_corpus([lines(tmp_path / "rows.jsonl", {**GOOD, "text": held})], axes)
    corrected = {**OTHER, "text": held, "provenance": "corrected"}
    corpus = read_corpus([lines(tmp_path / "rows.jsonl", GOOD, corrected)], axes)
    assert (len(corpus.frame), corpus.left_out) == (1, 1)


def of_part(part: str) -> str:
    return next(name for name in map(str, range(1000)) if part_of(name) == part)


def test_corrected_rows_train_replace_and_never_touch_the_exam(tmp_path: Path, axes: tuple[Axis, ...]) -> None:
    trained, examined = {**GOOD, "group": of_part("encoder")}, {**OTHER, "group": of_part("exam")}
    corrections = [
        {**GOOD, "id": "c1", "troops": "neutral", "provenance": "corrected", "group": of_part("exam") + "x"},
        {**OTHER, "id": "c2", "troops": "neutral", "provenance": "corrected"},
        {**OTHER, "id": "c3", "text": "Another.", "provenance": "corrected", "group": of_part("exam")},
    ]
    corpus = read_corpus([lines(tmp_path / "rows.jsonl", trained, examined, *corrections)], axes)
    assert corpus.frame[["id", "part"]].values.tolist() == [["2", "exam"], ["c1", "heads"]]
    assert corpus.left_out == 2


@pytest.mark.parametrize("early", [False, True])
def test_a_correction_counts_wherever_it_is_read_and_leaves_what_it_does_not_say(
    early: bool, tmp_path: Path, axes: tuple[Axis, ...]
) -> None:
    said = {**GOOD, "group": of_part("encoder"), "holder": "minister", "date": "2024-05-06"}
    first = {"id": "c1", "lang": "en", "text": GOOD["text"], "outlook": "skeptical", "provenance": "corrected"}
    newer = {"id": "c2", "lang": "en", "text": GOOD["text"], "troops": "pro", "provenance": "corrected"}
    files = [lines(tmp_path / "a.jsonl", said), lines(tmp_path / "b.jsonl", first, newer)]
    corpus = read_corpus(files[::-1] if early else files, axes)
    [row] = corpus.frame.to_dict("records")
    assert (row["id"], row["part"], row["provenance"]) == ("c2", "heads", "corrected")
    assert (row["troops"], row["outlook"]) == ("pro", "skeptical")
    assert (row["holder"], row["date"], row["trait"]) == ("minister", "2024-05-06", None)
    assert corpus.left_out == 0


@given(group=st.text())
def test_every_group_has_a_part(group: str) -> None:
    assert part_of(group) in ("encoder", "heads", "exam")


def test_parts_have_their_shares() -> None:
    parts = pd.Series([part_of(str(n)) for n in range(20_000)]).value_counts(normalize=True)
    assert parts["encoder"] == pytest.approx(0.65, abs=0.01)
    assert parts["heads"] == pytest.approx(0.20, abs=0.01)


def test_no_group_of_the_corpus_is_torn(corpus: Corpus) -> None:
    assert (corpus.frame.groupby("group")["part"].nunique() == 1).all()
    events = corpus.frame[corpus.frame["date"].str.len() == 10].dropna(subset=["holder"])
    assert (events.groupby(["holder", "date"])["part"].nunique() == 1).all()


def test_corrections_are_read_beside_whatever_corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DATA", tmp_path)
    mine, more = tmp_path / "mine.csv", tmp_path / "more.csv"
    assert corpus_files(mine, [more]) == [mine, more]
    corrections = lines(tmp_path / "corpus" / "corrected.jsonl", GOOD)
    assert corpus_files(mine, [more]) == [mine, corrections, more]
    assert corpus_files() == [corrections]
    assert corpus_files(corrections.parent) == [corrections]


def test_a_corpus_of_ones_own_may_be_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DATA", tmp_path / "data")
    files = [lines(tmp_path / name, GOOD) for name in ("a.jsonl", "b.ndjson", "c.csv", "d.parquet")]
    (tmp_path / "notes.txt").touch()
    assert corpus_files(tmp_path) == files


def test_a_file_that_is_not_there_is_told_as_that(tmp_path: Path, axes: tuple[Axis, ...]) -> None:
    with pytest.raises(CorpusError, match="cannot be read: No such file or directory"):
        read_corpus([tmp_path / "nowhere"], axes)


def test_a_folder_without_rows_is_named(tmp_path: Path, axes: tuple[Axis, ...]) -> None:
    with pytest.raises(CorpusError, match="is a folder without such files") as error:
        read_corpus(corpus_files(tmp_path), axes)
    assert str(tmp_path) in str(error.value)
    assert str(error.value).startswith("one fault in the rows")


def test_an_axis_without_a_column_is_not_fitted(tmp_path: Path, axes: tuple[Axis, ...]) -> None:
    row = {name: value for name, value in GOOD.items() if name != "outlook"}
    assert [axis.name for axis in read_corpus([lines(tmp_path / "rows.jsonl", row)], axes).axes] == ["troops"]


def test_unlabelled_texts_are_read_once_and_without_what_is_examined(tmp_path: Path, corpus: Corpus) -> None:
    held = json.loads(GOLD.read_text(encoding="utf-8").splitlines()[0])["text"]
    known = [corpus.part(part)["text"].iloc[0] for part in ("encoder", "heads", "exam")]
    file = tmp_path / "texts.jsonl"
    texts = ["Новый текст.", *known, held, "Новый текст.", "Another text."]
    file.write_text("".join(json.dumps({"text": text, "tone": "any"}) + "\n" for text in texts), encoding="utf-8")
    assert read_texts([file], corpus) == ["Новый текст.", "Another text."]
    table = tmp_path / "texts.csv"
    table.write_text("text\nA third text.\n", encoding="utf-8")
    assert read_texts([table], corpus) == ["A third text."]


def test_unlabelled_texts_that_the_corpus_has_all_are_refused(tmp_path: Path, corpus: Corpus) -> None:
    file = tmp_path / "texts.jsonl"
    file.write_text(json.dumps({"text": corpus.frame["text"].iloc[0]}), encoding="utf-8")
    with pytest.raises(TrainingError, match="name a file of others"):
        read_texts([file], corpus)


@pytest.mark.parametrize("text", [None, "", " ", "x" * 5001, "\ud800"])
def test_a_bad_unlabelled_text_is_named_by_file_and_line(tmp_path: Path, corpus: Corpus, text: str | None) -> None:
    file = tmp_path / "texts.jsonl"
    file.write_text(json.dumps({"text": "Fine."}) + "\n" + json.dumps({"text": text}) + "\n", encoding="utf-8")
    with pytest.raises(CorpusError) as raised:
        read_texts([file], corpus)
    assert [(row.line, row.column) for row in raised.value.rows] == [(2, "text")]
