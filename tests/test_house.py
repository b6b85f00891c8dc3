"""What holds for the whole house: arrows, sizes, and that what can be met is documented."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from models import errors
from service.problems import FIELD_CODES, HTTP_CODES
from service.settings import Settings
from tests.conftest import ROOT
from training.corpus import Corpus, corpus_files, read_corpus

README = (ROOT / "README.md").read_text("utf-8")
RUNNING = ("operations.md", "stance-desk.service", "Containerfile")
SOURCES = [
    file for room in ("models", "training", "service", "benchmarks", "tests") for file in (ROOT / room).rglob("*.py")
] + [file for file in (ROOT / "service" / "page").rglob("*.*") if file.is_file()]


def test_the_arrows_between_the_packages_hold() -> None:
    linter = Path(sys.executable).parent / "lint-imports"
    found = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_file_stays_under_three_hundred_lines(file: Path) -> None:
    assert file.read_text("utf-8").count("\n") < 300


def test_no_label_or_axis_is_named_in_the_code_of_models_and_service() -> None:
    named = re.compile(r"""["'](troops|outlook|pro|anti|optimistic|skeptical|neutral)["']""")
    for room in ("models", "service"):
        for file in [*(ROOT / room).rglob("*.py"), *(ROOT / room).rglob("*.js")]:
            found = named.search(file.read_text("utf-8"))
            assert found is None, f"{file.name}: {found and found[0]}"


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_documented(name: str) -> None:
    assert f"STANCE_{name.upper()}`" in README
    assert Settings.model_fields[name].description


@pytest.mark.parametrize("file", ["README.md", *(f"docs/{name}" for name in RUNNING)])
def test_a_setting_that_is_named_exists(file: str) -> None:
    named = set(re.findall(r"STANCE_([A-Z_]+[A-Z])", (ROOT / file).read_text("utf-8")))
    assert named
    assert named <= {name.upper() for name in Settings.model_fields}


def test_the_proxies_of_the_document_take_what_the_service_takes() -> None:
    text = (ROOT / "docs" / "operations.md").read_text("utf-8")
    most = [Settings.model_fields[name].default for name in ("max_body_bytes", "max_bulk_bytes")]
    assert [int(size) for size in re.findall(r"client_max_body_size (\d+);", text)] == most
    assert [int(size) * 1_000_000 for size in re.findall(r"max_size (\d+)MB", text)] == most[::-1]


def test_every_error_code_is_documented() -> None:
    raised = re.findall(
        r'RequestError\(\d+, "(\w+)"', "".join(f.read_text("utf-8") for f in (ROOT / "service").rglob("*.py"))
    )
    answered = re.findall(
        r'problem\(\d+, "(\w+)"', "".join(f.read_text("utf-8") for f in (ROOT / "service").glob("*.py"))
    )
    rows = re.findall(r'(?:Row\(.*, |return )"(\w+)"', (ROOT / "models" / "table.py").read_text("utf-8"))
    assert raised
    assert answered
    for code in (
        {code for code, _ in HTTP_CODES.values()}
        | set(FIELD_CODES.values())
        | {*raised, *answered, *rows, "wrong_type", "http_error"}
    ):
        assert f"`{code}`" in README, code


def test_the_exception_tree_in_the_docstring_is_the_real_one() -> None:
    assert errors.__doc__ is not None
    for error in [errors.StanceError, *errors.StanceError.__subclasses__(), *errors.BundleError.__subclasses__()]:
        line = next(line for line in errors.__doc__.splitlines() if re.search(rf"\b{error.__name__}\b", line))
        assert error.code in line or error in (errors.StanceError, errors.RequestError)


def test_the_counts_of_the_datasheet_are_true(corpus: Corpus) -> None:
    sheet = (ROOT / "data" / "README.md").read_text("utf-8")
    counts = corpus.frame["provenance"].value_counts()
    for kind in ("grounded", "composed"):
        assert re.search(rf"corpus/{kind}-\*\.jsonl` \| {counts[kind]:,} \|", sheet)
    grounded = corpus.frame.loc[corpus.frame["provenance"] == "grounded", "lang"].value_counts()
    assert f"({grounded['ru']:,} Russian, {grounded['uk']:,} Ukrainian, {grounded['en']:,} English)" in sheet.replace(
        "\n", " "
    )
    gold = (ROOT / "data" / "gold-dev.jsonl").read_text("utf-8").splitlines()
    assert f"`gold-dev.jsonl` | {len(gold)} |" in sheet


def test_grounded_rows_name_their_source_and_composed_ones_have_none(corpus: Corpus) -> None:
    frame = corpus.frame
    assert frame.loc[frame["provenance"] == "grounded", "source_url"].notna().all()
    assert frame.loc[frame["provenance"] == "composed", "source_url"].isna().all()


def test_what_waits_for_an_encoder_joins_the_corpus_and_retells_what_teaches(corpus: Corpus) -> None:
    files = sorted((ROOT / "data" / "waiting").iterdir())
    rows = read_corpus(corpus_files(more=files), corpus.axes).frame.set_index("id")
    assert f"{len(rows) - len(corpus.frame):,} |" in (ROOT / "data" / "README.md").read_text("utf-8")
    retold = rows[rows.index.str.startswith("t-")]
    first = rows.loc[retold.index.str.removeprefix("t-")]
    same = ["troops", "outlook", "group", "holder", "date", "source_url"]
    pd.testing.assert_frame_equal(retold[same].reset_index(drop=True), first[same].reset_index(drop=True))
    assert set(retold["part"]) == {"encoder"}
    assert (retold["lang"].to_numpy() != first["lang"].to_numpy()).all()


def test_the_corpus_does_not_overlap_the_outside_check(corpus: Corpus) -> None:
    gold = pd.DataFrame(map(json.loads, (ROOT / "data" / "gold-dev.jsonl").read_text("utf-8").splitlines()))
    assert not set(gold["source_url"].dropna()) & set(corpus.frame["source_url"].dropna())
