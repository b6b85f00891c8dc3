import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from models.bundle import RELEASED
from models.text import digest
from tests.conftest import ROOT, run
from training.audit import TOLD_APART, Audit
from training.audit import audit as audit_with
from training.audit_page import write_page
from training.corpus import Corpus

GOLD = [json.loads(line) for line in (ROOT / "data" / "gold-dev.jsonl").read_text("utf-8").splitlines()]
RETOLD = "Once a truce holds, Belgium's troops could at once start working in Ukraine with the French and the British."
"""What the exam row g-en-0402 tells, in other words."""


@pytest.fixture(scope="module")
def small(corpus: Corpus) -> Corpus:
    return replace(corpus, frame=corpus.frame.groupby(["part", "provenance"]).head(150).reset_index(drop=True))


@pytest.fixture(scope="module")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keep the vectors of a text from one test to the next."""
    return tmp_path_factory.mktemp("vectors")


def audit(corpus: Corpus) -> Audit:
    return audit_with(corpus, None, Path())


def with_row(corpus: Corpus, **changes: object) -> Corpus:
    grounded = corpus.frame[(corpus.frame["provenance"] == "grounded") & (corpus.frame["date"].str.len() == 10)]
    row = grounded.iloc[0].to_dict() | {"id": "new", "digest": "new"} | changes
    return replace(corpus, frame=pd.concat([corpus.frame, pd.DataFrame([row])], ignore_index=True))


def test_the_corpus_is_sound(small: Corpus) -> None:
    assert audit(small).faults == ()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"text": GOLD[0]["text"] + " Так.", "source_url": None, "provenance": "composed"}, "outside check"),
        (
            {"group": "elsewhere", "source_url": None, "provenance": "composed", "holder": None},
            "near duplicates in two",
        ),
        (
            {"text": "A sentence like no other here.", "source_url": GOLD[0]["source_url"]},
            "new: grounded on an excluded",
        ),
        ({"text": "A sentence like no other here.", "source_url": None}, "new: grounded, but without source_url"),
    ],
)
def test_a_fault_is_named_by_row(small: Corpus, changes: dict[str, object], told: str) -> None:
    [fault] = audit(with_row(small, **changes)).faults
    assert told in fault
    assert "new" in fault


def test_what_says_in_other_words_what_the_outside_check_says_is_a_fault(small: Corpus, vectors: Path) -> None:
    assert any(row["text"].startswith("Дел ещё непочатый край") for row in GOLD)
    text = "Дела ещё не кончены, но обмен доказывает, что упорная дипломатия плоды приносит, говорит посланник Трампа."
    told = with_row(small, text=text, digest=digest(text), source_url=None, provenance="composed", holder=None)
    found = audit_with(told, RELEASED, vectors)
    [fault] = found.faults
    assert fault.startswith("new: says in other words what ru-124 of the outside check says")
    assert found.tables["Nearest in meaning to the outside check"].index[0] == "new"


@pytest.mark.parametrize(
    ("holder", "date", "fault"),
    [
        ("Theo Francken", "2025-05-22", True),
        ("Theo Francken", "2025-05", True),
        ("Theo Francken", None, True),
        ("Theo Francken", "2025-06-22", False),
        ("Theo Francken", "2024", False),
        ("Somebody Else", "2025-05-20", False),
    ],
)
def test_an_exam_row_told_in_what_trains_is_a_fault_where_holder_and_date_may_be_one(
    small: Corpus, vectors: Path, holder: str, date: str | None, fault: bool
) -> None:
    row = small.frame.set_index("id").loc["g-en-0402"]
    assert (row["part"], row["holder"], row["date"]) == ("exam", "Theo Francken", "2025-05-20")
    page = {"source_url": "https://example.org/page", "group": "page", "part": "encoder"}
    told = with_row(small, text=RETOLD, digest=digest(RETOLD), holder=holder, date=date, **page)
    found = audit_with(told, RELEASED, vectors)
    told = "g-en-0402: examines on what new tells, which trains; drop it, or name both in data/told-apart.tsv if they "
    assert [one.startswith(told) for one in found.faults] == ([True] if fault else [])
    assert (found.tables["Perhaps told in the exam and in what trains"]["other"] == "new").any() == fault


def test_a_row_of_heads_told_in_part_encoder_is_a_fault(small: Corpus, vectors: Path) -> None:
    frame = small.frame.set_index("id", drop=False)
    frame.loc["g-en-0402", "part"] = "heads"
    told = {"holder": "Theo Francken", "date": "2025-05-22", "source_url": "https://example.org/page", "group": "page"}
    grown = replace(small, frame=frame.reset_index(drop=True))
    found = audit_with(with_row(grown, text=RETOLD, digest=digest(RETOLD), part="encoder", **told), RELEASED, vectors)
    wanted = "g-en-0402: heads would learn confidence from what new taught the encoder; give both one group, or name"
    assert any(fault.startswith(wanted) for fault in found.faults)
    assert not any("examines" in fault for fault in found.faults)


def test_a_pair_that_somebody_told_apart_is_no_fault(
    small: Corpus, vectors: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = {"source_url": "https://example.org/page", "group": "page", "part": "encoder", "date": "2025-05-22"}
    told = with_row(small, text=RETOLD, digest=digest(RETOLD), holder="Theo Francken", **page)
    assert audit_with(told, RELEASED, vectors).faults
    read = tmp_path / "told-apart.tsv"
    read.write_text("new\tg-en-0402\n")
    monkeypatch.setattr("training.audit.TOLD_APART", read)
    assert audit_with(told, RELEASED, vectors).faults == ()


def test_a_page_and_a_holders_day_may_not_be_torn(small: Corpus) -> None:
    row = with_row(small).frame.iloc[-1]
    other = next(part for part in ("encoder", "heads", "exam") if part != row["part"])
    text = {"text": "A sentence like no other here.", "group": "torn", "part": other}
    faults = audit(with_row(small, **text)).faults
    assert any("one page in 2 parts" in fault for fault in faults)
    assert any("one holder and day in 2 parts" in fault for fault in faults)


def test_more_than_four_rows_of_a_page_are_a_fault(small: Corpus) -> None:
    page = {"source_url": "https://example.org/page", "holder": None, "date": None, "group": "page"}
    grown = small
    for n, word in enumerate(("alpha bravo", "charlie delta", "echo foxtrot", "golf hotel", "india juliet")):
        assert audit(grown).faults == ()
        grown = with_row(grown, **page, id=f"n{n}", text=f"{word} " * 6, part="encoder")
    assert audit(grown).faults == ("example.org/page: 5 rows, at most 4 a page",)


def test_the_tables_count_every_row(small: Corpus) -> None:
    tables = audit(small).tables
    for title in ("Statements", "Parts", "Labels", "Kinds", "Hard kinds", "Years", "Characters"):
        assert tables[title].loc["all", "all"] == len(small.frame), title


def test_a_probe_finds_what_gives_labels_away(small: Corpus) -> None:
    honest = audit(small).tables["Probes"].loc[("first three words", "grounded"), "troops"]
    told = small.frame.assign(text=small.frame["troops"] + " it is " + small.frame["text"])
    given = audit(replace(small, frame=told)).tables["Probes"].loc[("first three words", "grounded"), "troops"]
    assert honest < 0.6
    assert given > 0.95


def test_the_page_escapes_what_it_shows_and_stands_alone(tmp_path: Path) -> None:
    table = pd.DataFrame({"<b>": [1]}, index=pd.Index(["<script>"], name="what"))
    write_page(Audit(("<i>fault</i>",), {"Kinds": table}), tmp_path / "audit.html")
    page = (tmp_path / "audit.html").read_text("utf-8")
    assert "<svg" in page
    for raw in ("<script>", "<b>", "<i>fault"):
        assert raw not in page
    assert [file.name for file in tmp_path.iterdir()] == ["audit.html"]


def test_the_command_fails_on_faults_and_names_them(tmp_path: Path) -> None:
    row = {"id": "new", "lang": "en", "text": "Soldiers stay.", "troops": "anti", "provenance": "grounded"}
    file = tmp_path / "rows.jsonl"
    page = f"{tmp_path}/audit.html"
    rows = [
        row | {"id": str(n), "text": f"Row {'abcdefgh'[n] * 9}.", "source_url": "https://example.org"} for n in range(5)
    ]
    file.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    found = run("training", "audit", "--data", str(file), "--html", page)
    assert found.returncode == 1
    assert "example.org: 5 rows" in found.stderr
    assert "Traceback" not in found.stderr
    missing = run("training", "audit", "--data", str(file), "--html", f"{tmp_path}/nowhere/audit.html")
    assert missing.returncode == 1
    assert f"there is no folder {tmp_path}/nowhere; make it first" in missing.stderr
    assert missing.stdout == ""
    folder = run("training", "audit", "--data", str(file), "--html", str(tmp_path))
    assert folder.returncode == 1
    assert "is a folder; name a file in it" in folder.stderr
    unwritable = run("training", "audit", "--data", str(file), "--html", f"{tmp_path}/{'x' * 255}")
    assert unwritable.returncode == 1
    assert "name another file with --html" in " ".join(unwritable.stderr.split())
    assert "Traceback" not in unwritable.stderr


def test_pairs_told_apart_stand_in_the_corpus(corpus: Corpus) -> None:
    pairs = [line.split("\t") for line in TOLD_APART.read_text(encoding="utf-8").splitlines()]
    assert all(len(set(pair)) == 2 for pair in pairs)
    assert {row for pair in pairs for row in pair} <= set(corpus.frame["id"])
