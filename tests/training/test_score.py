import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from models.bundle import Bundle
from models.errors import StoreError, TableError
from models.table import columns
from tests.conftest import ROOT, Fitted, run
from training.forms import Options
from training.score import score, score_table

TEXTS = ["Уряд готовий направити миротворців до України.", "", "No soldiers will be sent to Ukraine."]


def scored(bundle: Bundle, source: Path, target: Path, **options: object) -> list[dict[str, object]]:
    overwrite = bool(options.pop("overwrite", False))
    found = score(bundle, source, target, Options(**options), overwrite)  # type: ignore[arg-type]
    assert (found.rows, dict(found.errors)) == (3, {"blank_text": 1})
    assert found.languages == {"uk": 1, "en": 1}
    if target.suffix == ".parquet":
        return [{k: v for k, v in row.items() if not pd.isna(v)} for row in pd.read_parquet(target).to_dict("records")]
    if target.suffix == ".csv":
        return list(csv.DictReader(io.StringIO(target.read_text("utf-8"), newline="")))  # type: ignore[arg-type]
    return [json.loads(line) for line in target.read_text("utf-8").splitlines()]


@pytest.mark.parametrize(
    ("read", "written"),
    [
        ("csv", "csv"),
        ("csv", "parquet"),
        ("csv", "jsonl"),
        ("parquet", "parquet"),
        ("parquet", "csv"),
        ("parquet", "jsonl"),
        ("jsonl", "jsonl"),
    ],
)
def test_a_file_of_any_form_is_scored_into_another(bundle: Bundle, tmp_path: Path, read: str, written: str) -> None:
    table = pd.DataFrame({"n": [1, 2, 3], "text": TEXTS})
    source = tmp_path / f"in.{read}"
    if read == "csv":
        table.to_csv(source, index=False)
    elif read == "parquet":
        table.to_parquet(source)
    else:
        table.to_json(source, orient="records", lines=True)
    rows = scored(bundle, source, tmp_path / f"out.{written}")
    assert [int(str(row["n"])) for row in rows] == [1, 2, 3]
    assert [row["text"] for row in rows] == TEXTS
    expected = bundle.model.predict([TEXTS[0], TEXTS[2]])
    assert [row.get("stance_troops") for row in (rows[0], rows[2])] == [p.stances["troops"].label for p in expected]
    assert rows[1]["stance_error"] == "blank_text"
    if written == "csv":
        assert list(rows[0]) == ["n", "text", *columns(bundle.model.axes)]
    if (read, written) == ("parquet", "parquet"):
        assert pd.read_parquet(tmp_path / "out.parquet")["n"].dtype == "int64"
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith("tmp")] == []


def test_what_cannot_be_scored_is_told_and_nothing_is_written(bundle: Bundle, tmp_path: Path) -> None:
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("text\n" + "\n".join(t or '""' for t in TEXTS) + "\n", encoding="utf-8")
    target.write_text("mine")
    with pytest.raises(StoreError, match="exists; name another file"):
        scored(bundle, source, target)
    assert target.read_text() == "mine"
    assert len(scored(bundle, source, target, overwrite=True)) == 3
    with pytest.raises(TableError, match="no column 'body'"):
        scored(bundle, source, tmp_path / "new.csv", text_column="body")
    with pytest.raises(TableError, match=r"none of \.csv"):
        scored(bundle, source, tmp_path / "new.xlsx")
    lines = tmp_path / "in.jsonl"
    lines.write_text('{"text": "a"}\n')
    with pytest.raises(TableError, match=r"name a \.jsonl file"):
        scored(bundle, lines, tmp_path / "new.csv")
    with pytest.raises(StoreError, match="nothing was written"):
        scored(bundle, tmp_path / "nowhere.csv", tmp_path / "new.csv")
    (tmp_path / "false.parquet").write_text("text\na\n")
    with pytest.raises(TableError, match="not Parquet"):
        scored(bundle, tmp_path / "false.parquet", tmp_path / "new.csv")
    assert {file.name for file in tmp_path.iterdir()} == {"in.csv", "out.csv", "in.jsonl", "false.parquet"}


WITHOUT = "import sys; sys.modules['distributed'] = None; from training.__main__ import main; main()"
"""The command where the extra `scale` is not installed."""


def score_command(extra: bool, *words: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    if extra:
        return run("training", "score", *words, env=env)
    command = [sys.executable, "-c", WITHOUT, "score", *words]
    return subprocess.run(command, env={**os.environ, **env}, cwd=ROOT, text=True, capture_output=True)


@pytest.mark.parametrize("extra", [True, False])
def test_the_command_scores_with_what_serves(fitted: Fitted, tmp_path: Path, extra: bool) -> None:
    source, target, summary = tmp_path / "in.jsonl", tmp_path / "out.jsonl", tmp_path / "summary.json"
    source.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    words = str(source), str(target), "--summary", str(summary)
    printed = score_command(extra, *words, env=fitted.env)
    assert printed.returncode == 0, printed.stderr
    assert "3 rows, 1 of them with an error" in printed.stdout
    assert ("dashboard: http://127.0.0.1:" in printed.stdout) == extra
    assert json.loads(target.read_text().splitlines()[0])["stance_version"] == fitted.version
    told = json.loads(summary.read_text())
    assert (told["version"], told["rows"], told["statements"]) == (fitted.version, 3, 2)
    assert told["languages"] == {"uk": 1, "en": 1}
    assert told["statements_a_second_a_process"] > 0
    again = score_command(extra, *words, env=fitted.env)
    assert again.returncode == 1
    assert "exists" in again.stderr
    assert "Traceback" not in again.stderr


def test_without_the_extra_a_folder_names_what_it_needs(fitted: Fitted, tmp_path: Path) -> None:
    printed = score_command(False, str(tmp_path), str(tmp_path / "out"), env=fitted.env)
    assert printed.returncode == 1
    assert "pip install -e '.[scale]'" in printed.stderr


def test_a_part_that_fails_is_named_and_the_command_fails(fitted: Fitted, tmp_path: Path) -> None:
    parts = tmp_path / ("a long name " * 12)
    parts.mkdir()
    (parts / "a.csv").write_text("text\nThe talks resume on Friday.\n")
    (parts / "b.csv").write_text("body\nThe talks resume on Friday.\n")
    printed = run("training", "score", str(parts), str(tmp_path / "out.csv"), env=fitted.env)
    assert printed.returncode == 1
    assert f"{parts / 'b.csv'}: no column 'text'" in printed.stderr  # whole, to be copied
    assert "say it again" in printed.stderr
    assert "Traceback" not in printed.stderr
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 2


def test_of_a_table_all_columns_stay_and_the_table_form_is_added(bundle: Bundle) -> None:
    table = pd.DataFrame({"date": [1, 2, 3, 4], "text": [TEXTS[0], None, "  ", TEXTS[2]]}, index=[7, 5, 5, 1])
    found = score_table(bundle.model, table)
    assert list(found.columns) == ["date", "text", *columns(bundle.model.axes)]
    assert list(found.index) == [7, 5, 5, 1]
    assert found["stance_error"].tolist()[1:3] == ["missing_text", "blank_text"]
    assert found["stance_troops"].isna().tolist() == [False, True, True, False]
    assert (found["stance_version"] == bundle.manifest.version).all()
    expected = bundle.model.predict([TEXTS[0], TEXTS[2]])
    assert found["stance_troops_confidence"].dropna().tolist() == pytest.approx(
        [p.stances["troops"].confidence for p in expected], abs=1e-4
    )


def test_a_missing_text_column_and_a_name_clash_are_errors(bundle: Bundle) -> None:
    with pytest.raises(TableError, match="no column 'text'; there are: body"):
        score_table(bundle.model, pd.DataFrame({"body": ["a"]}))
    with pytest.raises(TableError, match="stance_troops"):
        score_table(bundle.model, pd.DataFrame({"text": ["a"], "stance_troops": ["b"]}))


def test_an_empty_table_gains_the_columns(bundle: Bundle) -> None:
    assert list(score_table(bundle.model, pd.DataFrame({"text": []})).columns) == ["text", *columns(bundle.model.axes)]
