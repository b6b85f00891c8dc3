import json
import zipfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.bundle import RELEASED, Bundle, load_bundle
from models.errors import ScoreError, StoreError, TableError
from models.table import columns
from tests.training.scaling.conftest import Score, digests, rows_of
from training.forms import Options
from training.scaling.partitions import BLOCK
from training.scaling.score import score as score_scaled
from training.score import score as score_here


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> Path:
    """A folder of what archives hold, good and bad."""
    folder = tmp_path_factory.mktemp("mixed")
    (folder / "2025").mkdir()
    pq.write_table(pa.table({"n": range(60), "text": texts[:60]}), folder / "2025" / "a.parquet", row_group_size=40)
    broken = [f'{text}\nand, on a new line, "more"' for text in texts[60:200]]
    pd.DataFrame({"text": broken, "n": range(140)}).to_csv(folder / "b.csv", index=False)
    marked = "n;text\n1;Уряд готовий направити миротворців до України.\n2;\n3;No soldiers will be sent.\n"
    (folder / "c.csv").write_text(marked, "utf-8-sig")
    (folder / "d.csv").write_bytes("text\nfine as it is\nВойск не будет\n".encode("cp1251"))
    (folder / "e.csv").write_text("text,n\n", "utf-8")
    lines = ['{"text": "No soldiers will be sent.", "n": 1}', '{"text": 7, "m": [1]}', "{", '{"text": "x", "n": 0.5}']
    (folder / "f.jsonl").write_text("\n".join(lines), "utf-8")
    (folder / "g.jsonl").write_text("", "utf-8")
    pq.write_table(pa.table({"n": pa.array([], pa.int64()), "text": pa.array([], pa.string())}), folder / "h.parquet")
    (folder / "i.csv").write_text("body\nno such column\n", "utf-8")
    (folder / "j.csv").write_text("text,stance_troops\na clash,mine\n", "utf-8")
    (folder / "k.parquet").write_text("text\nno Parquet\n", "utf-8")
    (folder / "l.csv").write_text("text\nof another encoding\n", "utf-16")
    pq.write_table(pa.table({"body": ["a"]}), folder / "m.parquet")
    whole = folder / "n.parquet"
    pq.write_table(pa.table({"text": texts[:200]}), whole)
    whole.write_bytes(b"PAR1" + b"\xff" * 2000 + whole.read_bytes()[2004:])
    (folder / "_SUCCESS").write_text("")
    (folder / ".b.csv.crc").write_text("")
    return folder


BAD = ["i.csv", "j.csv", "k.parquet", "l.csv", "m.parquet, row group 0", "n.parquet, row group 0"]
ROWS = 60 + 140 + 3 + 2 + 4


def test_a_folder_is_scored_part_by_part_and_what_is_bad_is_named_with_its_place(
    mixed: Path, tmp_path: Path, score_on: Score, ngram_bundle: Bundle
) -> None:
    found = score_on(mixed, tmp_path / "out")
    assert sorted(failure.place for failure in found.failures) == [f"{mixed}/{name}" for name in BAD]
    reasons = " ".join(failure.reason for failure in found.failures)
    for told in ("no column 'text'; there are: body", "already has stance_troops", "not Parquet"):
        assert told in reasons
    assert found.rows == ROWS
    assert found.errors == {"blank_text": 1, "invalid_character": 1, "missing_text": 1, "invalid_json": 1}
    for axis in ngram_bundle.model.axes:
        assert found.by_label(axis.name).total() == found.statements == ROWS - 4
        assert {name: labels.total() for name, labels in found.labels[axis.name].items()} == found.languages
    names = ["2025/a.parquet-00000", "2025/a.parquet-00001", "b.csv-00000", "c.csv-00000", "d.csv-00000"]
    names += ["e.csv-00000", "f.jsonl-00000", "g.jsonl-00000", "h.parquet-00000"]
    assert sorted(digests(tmp_path / "out")) == [f"{name}.parquet" for name in names]
    part = pd.read_parquet(tmp_path / "out" / "b.csv-00000.parquet")
    assert len(part) == 140
    assert part["text"].str.endswith('\nand, on a new line, "more"').all()
    assert list(part.columns) == ["text", "n", *columns(ngram_bundle.model.axes)]
    assert part["n"].tolist() == [str(n) for n in range(140)]
    expected = ngram_bundle.model.predict(part["text"].tolist())
    assert part["stance_outlook"].tolist() == [each.stances["outlook"].label for each in expected]


def test_bad_rows_keep_their_place_and_lines_of_json_become_columns(
    mixed: Path, tmp_path: Path, score_on: Score
) -> None:
    score_on(mixed, tmp_path / "out")
    for name, errors in (
        ("c.csv", [None, "blank_text", None]),
        ("d.csv", [None, "invalid_character"]),
        ("f.jsonl", [None, "missing_text", "invalid_json", None]),
    ):
        part = pd.read_parquet(tmp_path / "out" / f"{name}-00000.parquet")
        assert [None if pd.isna(error) else error for error in part["stance_error"]] == errors
    lines = pq.read_table(tmp_path / "out" / "f.jsonl-00000.parquet").to_pylist()
    assert [row["text"] for row in lines] == ["No soldiers will be sent.", "7", None, "x"]
    assert [row["n"] for row in lines] == [1.0, None, None, 0.5]
    assert [row["m"] for row in lines] == [None, "[1]", None, None]
    empty = pq.read_schema(tmp_path / "out" / "g.jsonl-00000.parquet")
    assert empty.equals(pq.read_schema(tmp_path / "out" / "f.jsonl-00000.parquet"))
    assert len(pd.read_parquet(tmp_path / "out" / "e.csv-00000.parquet")) == 0


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_one_file_is_what_one_process_writes(
    archive: Path, tmp_path: Path, score_on: Score, ngram_bundle: Bundle, suffix: str
) -> None:
    scaled, here = tmp_path / f"scaled.{suffix}", tmp_path / f"here.{suffix}"
    found = score_on(archive, scaled)
    alone = score_here(ngram_bundle, archive, here, Options())
    assert found.model_dump(exclude={"seconds"}) == alone.model_dump(exclude={"seconds"})
    if suffix == "parquet":
        assert pq.read_table(scaled).equals(pq.read_table(here))
    else:
        assert scaled.read_bytes() == here.read_bytes()
    assert {file.name for file in tmp_path.iterdir()} == {scaled.name, here.name}


def test_lines_of_json_are_cut_into_blocks_and_put_together_again(
    tmp_path: Path, score_on: Score, ngram_bundle: Bundle, texts: list[str]
) -> None:
    source = tmp_path / "in.jsonl"
    more = "щ" * 20_000
    rows = [{"n": n, "text": text, "more": more} for n, text in enumerate(texts[:300])]
    source.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    assert source.stat().st_size > 2 * BLOCK
    score_on(source, tmp_path / "scaled.jsonl")
    score_here(ngram_bundle, source, tmp_path / "here.jsonl", Options())
    assert (tmp_path / "scaled.jsonl").read_bytes() == (tmp_path / "here.jsonl").read_bytes()
    score_on(source, tmp_path / "out")
    assert len(digests(tmp_path / "out")) == 3
    assert rows_of(tmp_path / "out")["n"].tolist() == list(range(300))


def test_files_of_other_columns_are_left_out_of_one_file_and_named(tmp_path: Path, score_on: Score) -> None:
    for name, header in (("a", "text,n"), ("b", "n,text"), ("c", "text,n")):
        (tmp_path / f"{name}.csv").write_text(f"{header}\n{name} first,{name} second\n", "utf-8")
    found = score_on(f"{tmp_path}/*.csv", tmp_path / "all.csv")
    assert [failure.place for failure in found.failures] == [f"{tmp_path}/b.csv"]
    assert "columns are not those of" in found.failures[0].reason
    assert pd.read_csv(tmp_path / "all.csv")["text"].tolist() == ["a first", "c first"]


def test_a_storage_of_fsspec_is_read_in_place(tmp_path: Path, score_on: Score) -> None:
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as packed:
        packed.writestr("2025/a.csv", "text\nNo soldiers will be sent to Ukraine.\n")
        packed.writestr("2025/b.jsonl", '{"text": "The talks resume on Friday."}\n')
    found = score_on(f"zip://2025::{tmp_path / 'in.zip'}", f"file://{tmp_path}/out/")
    assert (found.rows, found.failures) == (2, [])
    assert sorted(digests(tmp_path / "out")) == ["a.csv-00000.parquet", "b.jsonl-00000.parquet"]


def test_an_article_becomes_a_row_a_statement_with_its_place(
    tmp_path: Path, score_on: Score, ngram_bundle: Bundle
) -> None:
    articles = [
        "The talks end on Friday. “We will not send troops. That is final,” he said.\n\nOthers doubt.",
        "…",
        " ",
    ]
    source = tmp_path / "in.csv"
    pd.DataFrame({"key": ["a", "b", "c"], "text": articles}).to_csv(source, index=False)
    found = score_on(source, tmp_path / "scaled.csv", articles=True)
    score_here(ngram_bundle, source, tmp_path / "here.csv", Options(articles=True))
    assert (tmp_path / "scaled.csv").read_bytes() == (tmp_path / "here.csv").read_bytes()
    assert found.errors == {"no_statement": 1, "blank_text": 1}
    rows = pd.read_csv(tmp_path / "scaled.csv", dtype=str, keep_default_na=False).to_dict("records")
    assert [row["key"] for row in rows] == ["a", "a", "a", "b", "c"]
    assert len({row["stance_article"] for row in rows[:3]}) == 1
    for row in rows[:3]:
        assert articles[0][int(row["stance_start"]) : int(row["stance_end"])] == row["text"]
    assert rows[1]["text"] == "“We will not send troops. That is final,” he said."
    assert list(rows[0])[2:5] == ["stance_article", "stance_start", "stance_end"]


def test_an_encoder_answers_the_same_on_a_worker(tmp_path: Path, score_on: Score, texts: list[str]) -> None:
    source = tmp_path / "in.parquet"
    pq.write_table(pa.table({"text": texts[::400]}), source, row_group_size=20)
    assert score_on(source, tmp_path / "out", RELEASED).statements == len(texts[::400])
    expected = load_bundle(RELEASED, threads=1).model.predict(texts[::400])
    found = rows_of(tmp_path / "out")
    for axis in ("troops", "outlook"):
        assert found[f"stance_{axis}"].tolist() == [each.stances[axis].label for each in expected]
        confidences = [each.stances[axis].confidence for each in expected]
        assert found[f"stance_{axis}_confidence"].tolist() == pytest.approx(confidences, abs=1.5e-4)


def test_what_cannot_be_begun_is_refused(tmp_path: Path, score_on: Score, ngram_bundle: Bundle) -> None:
    source = tmp_path / "in.csv"
    source.write_text("text\nThe talks resume on Friday.\n")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("mine")
    (tmp_path / "lines.jsonl").write_text('{"text": "a"}\n')
    (tmp_path / "empty").mkdir()
    for given, target, error, told in (
        (source, "mine", StoreError, "`score` did not write it"),
        (source, "out.xlsx", TableError, r"none of \.csv"),
        (tmp_path / "lines.jsonl", "out.csv", TableError, r"name a \.jsonl file"),
        (tmp_path / "nowhere.csv", "out.csv", StoreError, "cannot be read"),
        (tmp_path / "empty", "out.csv", TableError, "no file there"),
        ("klingon://a.csv", "out.csv", StoreError, "klingon"),
        (tmp_path / "empty", "empty/out", StoreError, "would be read with it"),
    ):
        with pytest.raises(error, match=told):
            score_on(given, tmp_path / target)
        with pytest.raises(error, match=told):
            score_on(given, tmp_path / target, overwrite=target == "mine")
    with pytest.raises(ScoreError, match="no scheduler"):
        score_scaled(str(source), str(tmp_path / "o.csv"), ngram_bundle.path, Options(), False, "tcp://127.0.0.1:1")
    assert (tmp_path / "mine" / "letter.txt").read_text() == "mine"
