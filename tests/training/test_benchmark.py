from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.bundle import RELEASED
from models.encoder import Encoder
from models.errors import TableError
from tests.conftest import run
from training.benchmark import FEWEST_ROWS, _answers, benchmark, read
from training.corpus import Corpus


@pytest.fixture(scope="module")
def rows(corpus: Corpus) -> pd.DataFrame:
    """Statements as a stance file: two targets, the text of each row once for both."""
    frame = corpus.part("exam").head(FEWEST_ROWS)
    parts = [
        pd.DataFrame({"id": frame["id"] + axis, "text": frame["text"], "label": frame[axis], "target": axis})
        for axis in ("troops", "outlook")
    ]
    return pd.concat(parts, ignore_index=True)


def test_targets_with_enough_rows_get_heads_of_their_own_and_vectors_beat_the_majority(
    rows: pd.DataFrame, tmp_path: Path
) -> None:
    rows.to_csv(tmp_path / "rows.csv", index=False)
    read_rows, folds = read(tmp_path / "rows.csv", None, None, 2)
    scores = {score.features: score for score in benchmark(read_rows, folds, Encoder.read(RELEASED), ["neutral"])}
    for score in scores.values():
        assert score.by_target.keys() == {"troops", "outlook"}
        assert score.macro_f1 == pytest.approx(np.mean(score.by_fold))
        assert score.macro_f1 == pytest.approx(np.mean(list(score.by_target.values())))
    assert list(scores) == ["always the most frequent", "n-grams", "frozen vectors", "frozen vectors and n-grams"]
    assert scores["frozen vectors"].accuracy > scores["always the most frequent"].accuracy + 0.1
    for _, of_text in read_rows.assign(fold=folds).groupby("text"):
        assert of_text["fold"].nunique() == 1


def test_many_targets_share_a_head_that_looks_at_their_words(rows: pd.DataFrame, tmp_path: Path) -> None:
    few = rows[rows["target"] == "troops"].copy()
    few["target"] = few["text"].str.split().str[0]
    few.iloc[:150].to_csv(tmp_path / "train.csv", index=False)
    few.iloc[150:].to_csv(tmp_path / "test.csv", index=False)
    words = ["training", "benchmark", str(tmp_path / "train.csv"), "--test", str(tmp_path / "test.csv")]
    printed = run(*words, "--classes", "pro, anti", "--encoder", str(RELEASED))
    assert printed.returncode == 0, printed.stderr
    for told in (
        "one model for all targets",
        "mean F1 of pro, anti",
        "always the most frequent",
        "n-grams",
        "frozen vectors",
    ):
        assert told in printed.stdout


def test_no_kind_of_features_knows_labels_that_nothing_tells(rows: pd.DataFrame) -> None:
    labels = np.random.default_rng(0).choice(["heads", "tails"], rows["text"].nunique())
    drawn = rows.assign(label=rows["text"].map(dict(zip(rows["text"].unique(), labels, strict=True))))
    drawn["target"] = "coin"
    folds = (pd.factorize(drawn["text"])[0] % 2).astype(int)
    for score in benchmark(drawn, folds, Encoder.read(RELEASED), ["heads", "tails"]):
        assert score.accuracy < 0.6  # who had seen a text would be right


def test_a_rare_label_is_favoured_where_figures_are_about_it(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    exam = corpus.part("exam")
    some = pd.concat([exam[exam["troops"] == "neutral"].head(270), exam[exam["troops"] == "anti"].head(30)])
    few = pd.DataFrame({"text": some["text"], "label": some["troops"], "target": "troops"}).reset_index(drop=True)
    folds = np.arange(len(few)) % 2

    def found() -> dict[str, float]:
        return {score.features: score.macro_f1 for score in benchmark(few, folds, Encoder.read(RELEASED), ["anti"])}

    favoured = found()
    monkeypatch.setattr("training.benchmark.FAVOURS", (0.0,))
    alike = found()
    assert favoured["n-grams"] > alike["n-grams"] + 0.1
    assert favoured["frozen vectors and n-grams"] > alike["frozen vectors and n-grams"] + 0.1


@pytest.mark.parametrize("seed", range(10))
def test_favour_never_costs_on_the_rows_that_choose_it(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(seed)
    labels = random.choice(["common", "rare"], 200, p=[0.9, 0.1])
    rows = pd.DataFrame({"label": labels})
    rare = random.normal(-2, 1, 200) + (labels == "rare")
    unseen = pd.DataFrame({"common": -np.logaddexp(0, rare), "rare": rare - np.logaddexp(0, rare)})
    test = np.arange(200) >= 150
    favoured, answers = _answers(unseen, rows, test, ["rare"])
    monkeypatch.setattr("training.benchmark.FAVOURS", (0.0,))
    alike, _ = _answers(unseen, rows, test, ["rare"])
    assert favoured >= alike
    assert answers.index.tolist() == list(range(150, 200))


def test_named_folds_are_taken_and_what_is_missing_is_told(rows: pd.DataFrame, tmp_path: Path) -> None:
    file, folds = tmp_path / "rows.csv", tmp_path / "folds.csv"
    rows.to_csv(file, index=False)
    pd.DataFrame({"id": rows["id"].iloc[:10], "fold": ["late"] * 4 + ["early"] * 6}).to_csv(folds, index=False)
    assert read(file, None, folds, 5)[1].tolist() == [1] * 4 + [0] * 6 + [-1] * (len(rows) - 10)
    pd.DataFrame({"id": ["nobody"], "fold": [0]}).to_csv(folds, index=False)
    with pytest.raises(TableError, match="the fold of none of the rows"):
        read(file, None, folds, 5)
    rows.drop(columns=["target"]).to_csv(file, index=False)
    with pytest.raises(TableError, match="lacks the column target; it has"):
        read(file, None, None, 5)
    with pytest.raises(TableError, match="cannot be read"):
        read(tmp_path / "nowhere.csv", None, None, 5)


GOOD = "id,text,label,target\n1,One.,a,x\n2,Two.,b,x\n"


@pytest.mark.parametrize(
    ("file", "folds", "told"),
    [
        ("text,label,target\n", None, "rows.csv: holds no row"),
        ("text,label,target\nOne.,a,x\nTwo., ,x\n", None, "rows.csv: row 2 has no label; fill it in or drop it"),
        ('text,label,target\n"",a,x\nTwo.,b,x\n', None, "rows.csv: row 1 has no text"),
        ("text;label;target\nOne.;a;x\n", None, "it has text;label;target, taken apart at commas"),
        (GOOD, None, "rows.csv: 2 texts do not make 5 folds; name a smaller --k, or give more"),
        (GOOD, "id,fold\n1,\n", "folds.csv: row 1 has no fold"),
        (GOOD, "id,fold\n1,0\n1,1\n", "folds.csv: names two folds of 1; a row is tested in one"),
    ],
)
def test_what_a_stance_file_or_its_folds_lack_is_told(file: str, folds: str | None, told: str, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(file)
    if folds:
        (tmp_path / "folds.csv").write_text(folds)
    with pytest.raises(TableError, match=told):
        read(tmp_path / "rows.csv", None, tmp_path / "folds.csv" if folds else None, 5)


def test_what_cannot_be_meant_together_is_told(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    with pytest.raises(TableError, match="--test and --folds both say"):
        read(file, file, file, 5)
    file.write_text(GOOD)
    printed = run("training", "benchmark", str(file), "--k", "2", "--base", "elsewhere")
    assert printed.returncode == 1
    assert "--base is what --finetune begins from" in printed.stderr


@pytest.mark.parametrize(
    ("label", "texts", "told"),
    [
        ("neutral", 60, "the rows of troops: nearly all are neutral; give more rows of another label"),
        (None, 40, "the rows of troops: 20 texts to learn from where 30 are needed; give more"),
    ],
)
def test_rows_that_nothing_can_be_learnt_from_are_told(
    rows: pd.DataFrame, label: str | None, texts: int, told: str
) -> None:
    few = rows[rows["target"] == "troops"].head(texts).reset_index(drop=True)
    if label:
        few["label"] = label
    with pytest.raises(TableError, match=told):
        benchmark(few, np.arange(texts) % 2, Encoder.read(RELEASED), ["neutral"])


def test_a_class_that_nobody_has_is_told(rows: pd.DataFrame, tmp_path: Path) -> None:
    rows.to_csv(tmp_path / "rows.csv", index=False)
    printed = run("training", "benchmark", str(tmp_path / "rows.csv"), "--classes", "pro,mauve")
    assert printed.returncode == 1
    assert "no row is labelled mauve; there are anti, neutral, optimistic, pro, skeptical" in printed.stderr
