import json
import re
from pathlib import Path

import pytest

from tests.conftest import ROOT, Fitted, run


def test_a_fit_shows_progress_figures_and_what_to_do_next_and_serves_nothing(fitted: Fitted) -> None:
    for told in ("11/11", "macro-F1", "n-grams", "true label down", "to serve it: python -m training release"):
        assert told in fitted.printed


def test_evaluate_prints_every_figure_of_the_outside_check(fitted: Fitted) -> None:
    printed = run("training", "evaluate", "data/gold-dev.jsonl", env={**fitted.env, "COLUMNS": "160"})
    assert printed.returncode == 0, printed.stderr
    for told in (
        fitted.version,
        "macro-F1",
        "n-grams",
        "calibration error",
        "uk",
        "true label down",
        "F1",
        "optimistic",
    ):
        assert told in printed.stdout


def test_evaluate_compares_with_another_bundle_and_lists_the_surest_errors(fitted: Fitted) -> None:
    words = ["training", "evaluate", "data/gold-dev.jsonl", "--against", str(fitted.store / fitted.version)]
    printed = run(*words, env={**fitted.env, "COLUMNS": "160"})
    assert printed.returncode == 0, printed.stderr
    for told in ("on these rows", "+0.000 [+0.000, +0.000]", "most confident errors", "always neutral", "length"):
        assert told in printed.stdout
    errors = [re.split(r"\s*│\s*", line) for line in printed.stdout.split("most confident errors")[1].splitlines()]
    surest = [(float(cells[1]), *cells[2:5]) for cells in errors if len(cells) > 5 and cells[1]]
    assert len(surest) == 30
    assert surest == sorted(surest, key=lambda error: -error[0])
    assert all(label != answer for _, _, label, answer in surest)


def test_evaluate_warns_of_texts_that_either_bundle_was_trained_on(fitted: Fitted, tmp_path: Path) -> None:
    lines = (ROOT / "data" / "corpus" / "grounded-uk.jsonl").read_text(encoding="utf-8").splitlines()
    (tmp_path / "some.jsonl").write_text("\n".join(lines[:60]), encoding="utf-8")
    words = ["training", "evaluate", str(tmp_path / "some.jsonl"), "--against", str(fitted.store / fitted.version)]
    printed = run(*words, env=fitted.env)
    assert printed.returncode == 0
    told = " ".join(printed.stderr.split())
    assert "trained on, so the figures flatter" in told
    assert f"trained on by {fitted.version}, so the comparison favours it" in told


@pytest.mark.parametrize("command", ["fit", "evaluate", "release", "rollback", "score"])
def test_help_shows_an_example(command: str) -> None:
    printed = run("training", command, "--help")
    assert printed.returncode == 0
    assert f"python -m training {command}" in printed.stdout.split("Usage")[-1].split("\n", 1)[1]


def test_bad_rows_end_a_fit_in_one_report_without_a_trace(tmp_path: Path, fitted: Fitted) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"id": "1", "lang": "en", "text": "a secret", "troops": "maybe"}\n{"id"\n', encoding="utf-8")
    printed = run("training", "fit", "--data", str(file), env=fitted.env)
    assert printed.returncode == 1
    assert "2 faults" in printed.stderr
    assert f"{file}:1: troops: is not one of pro, anti, neutral" in printed.stderr
    assert "Traceback" not in printed.stderr
    assert "secret" not in printed.stderr


def test_rows_of_a_persons_own_are_added_and_the_new_version_is_compared(fitted: Fitted, tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text(
        "id,lang,text,troops\nmine-1,en,Our soldiers stay at home and out of Ukraine.,anti\n", encoding="utf-8"
    )
    printed = run("training", "fit", "--with", str(file), "--no-track", env={**fitted.env, "COLUMNS": "160"})
    assert printed.returncode == 0, printed.stderr
    assert f"against {fitted.version}" in printed.stdout
    newest = max(folder for folder in fitted.store.iterdir() if folder.is_dir() and not folder.is_symlink())
    manifest = json.loads((newest / "manifest.json").read_text())
    assert newest.name != fitted.version
    assert manifest["corpus"]["files"][-1] == str(file)
    assert manifest["mlflow_run_id"] is None
    released = run("training", "release", newest.name, env=fitted.env)
    assert released.returncode == 0, released.stderr
    assert "macro-F1" in released.stdout
    back = run("training", "rollback", env=fitted.env)
    assert back.returncode == 0, back.stderr
    assert fitted.version in back.stdout


def test_an_error_of_ours_is_told_without_a_trace(tmp_path: Path) -> None:
    printed = run("training", "rollback", "--store", str(tmp_path))
    assert printed.returncode == 1
    assert printed.stderr.startswith("error: ")
    assert "Traceback" not in printed.stderr
