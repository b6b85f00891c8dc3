import re
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from models.bundle import RELEASED
from models.encoder import Encoder, TokenStates
from models.errors import TableError
from tests.conftest import run
from training import report
from training.benchmark import FEWEST_ROWS, Score, _answers, _f1, _named_in, _score, benchmark, own_heads
from training.corpus import Corpus
from training.stance_file import read


@pytest.fixture(scope="module")
def rows(corpus: Corpus) -> pd.DataFrame:
    """Statements as a stance file: two targets, the text of each row once for both."""
    frame = corpus.part("exam").head(2 * FEWEST_ROWS)
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
    few.iloc[150:].to_json(tmp_path / "test.jsonl", orient="records", lines=True)
    words = ["training", "benchmark", str(tmp_path / "train.csv"), "--test", str(tmp_path / "test.jsonl")]
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


def test_one_head_for_several_targets_tells_them_apart_though_no_text_names_them(rows: pd.DataFrame) -> None:
    few = rows.groupby("target", group_keys=False).head(FEWEST_ROWS + 60).reset_index(drop=True)
    folds = np.where(few.groupby("target").cumcount() < 90, -1, 0)
    mixed = few.assign(target=["one", "other"] * (len(few) // 2))
    found = [
        {score.features: score.macro_f1 for score in benchmark(each, folds, Encoder.read(RELEASED), [])}
        for each in (few, mixed)
    ]
    for features in ("n-grams", "frozen vectors", "frozen vectors and n-grams"):
        assert found[0][features] > found[1][features] + 0.05


def test_whether_targets_have_heads_of_their_own_follows_from_what_is_learnt() -> None:
    rows = pd.DataFrame({"target": ["old"] * 220 + ["new"] * 220})
    new = np.repeat([-1, 0], 220)
    assert not own_heads(rows, new)  # nothing is learnt of what is tested
    assert own_heads(rows, np.arange(440) % 2)
    assert not own_heads(rows, np.where(np.arange(440) < 130, 0, 1))  # beside the one fold too little is left
    few = pd.DataFrame({"target": ["old"] * 220 + ["rare"] * 5})
    assert not own_heads(few, np.arange(225) % 2)
    assert own_heads(few, np.where(few["target"] == "rare", -1, np.arange(225) % 2))  # who is not tested needs no head


def test_a_fold_may_lack_a_target_and_a_target_a_label(rows: pd.DataFrame) -> None:
    folds = np.where(rows["target"] == "troops", np.arange(len(rows)) % 2, 0)
    folds[(rows["target"] == "outlook") & (np.arange(len(rows)) % 2 == 0)] = -1
    for score in benchmark(rows, folds, Encoder.read(RELEASED), []):
        assert score.by_target.keys() == {"troops", "outlook"}
        both, troops_alone = score.by_fold
        first = 2 * score.by_target["troops"] - troops_alone
        assert both == pytest.approx((first + score.by_target["outlook"]) / 2)


def test_a_target_of_one_label_is_answered_by_that(rows: pd.DataFrame) -> None:
    alike = rows.assign(label=rows["label"].where(rows["target"] == "troops", "neutral"))
    alike.loc[alike.index[-1], "label"] = "optimistic"
    folds = np.arange(len(rows)) % 2
    for score in benchmark(alike, folds, Encoder.read(RELEASED), []):
        assert score.by_target["outlook"] > 0.4


def test_figures_are_of_the_labels_that_there_are_and_no_answer_is_one_that_nobody_learnt() -> None:
    assert _f1(pd.Series(["a", "b"]), pd.Series(["a", "b"]), []) == 1
    assert _f1(pd.Series(["a", "b"]), pd.Series(["a", "b"]), ["a", "c"]) == 0.5
    rows = pd.DataFrame({"label": ["a", "a", "a", "b", "a", "c"]})
    likely = pd.DataFrame({"a": [0.9, 0.9, 0.9, 0.2, 0.6, 0.3], "b": [0.08, 0.08, 0.08, 0.7, 0.3, 0.2]})
    unseen = np.log(likely.assign(c=1 - likely.sum(axis=1)))
    score, answers = _answers(unseen, rows, np.arange(6) >= 4, [])
    assert score == 1
    assert answers.tolist() == ["a", "a"]


def test_rows_together_and_the_mean_over_targets_are_two_figures() -> None:
    found = pd.DataFrame(
        {"label": ["a", "b", "a", "a"], "answer": ["a", "b", "b", "a"], "target": ["x", "x", "y", "y"], "fold": 0}
    )
    own, shared = (_score("any", found, ["a"], each) for each in (True, False))
    assert own.by_target == {"x": 1, "y": pytest.approx(2 / 3)}
    assert own.macro_f1 == pytest.approx(5 / 6)
    assert own.pooled == shared.pooled == shared.macro_f1 == pytest.approx(4 / 5)
    assert shared.by_target == {}


def test_a_target_is_found_in_a_text_as_a_word_of_its_own() -> None:
    text = "He said that AI pays."
    spans = tuple((found.start(), found.end()) for found in re.finditer(r"\w+", text))
    states = TokenStates(np.eye(len(spans), dtype=np.float32), spans, 0.0, cut=False)
    assert _named_in(text, "AI", states).tolist() == [0, 0, 0, 1, 0]
    assert _named_in(text, "ai pays", states).tolist() == [0, 0, 0, 0.5, 0.5]
    assert _named_in(text, "sai", states).tolist() == states.vector.tolist()


def test_texts_without_words_are_told(rows: pd.DataFrame) -> None:
    few = pd.DataFrame({"text": [chr(0x4E00 + 97 * n) * 3 for n in range(80)], "label": ["a", "b"] * 40, "target": "x"})
    with pytest.raises(TableError, match="the rows of x: the texts have no words in common; give more"):
        benchmark(few, np.arange(80) % 2, Encoder.read(RELEASED), [])


def test_many_targets_and_odd_names_are_printed_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    page = StringIO()
    monkeypatch.setattr(report, "out", Console(file=page, width=80))
    targets = {f"[/b] {n}": n / 100 for n in range(40)}
    report.benchmark(
        [Score(name, 0.5, 0.25, targets, (0.5,), 0.75) for name in ("n-grams", "frozen vectors")], ["[/i]"]
    )
    printed = page.getvalue()
    assert "mean F1 of [/i]" in printed
    lines = [[cell.strip() for cell in line.split("│")[1:-1]] for line in printed.splitlines() if line.startswith("│")]
    assert [f"[/b] {n}" for n in range(40)] == [cells[0] for cells in lines if cells[0].startswith("[/b]")]
    assert ["[/b] 7", "0.070", "0.070"] in lines
    assert ["n-grams", "0.500", "0.500 to 0.500", "0.250", "0.750"] in lines


def test_what_cannot_be_meant_together_is_told(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    with pytest.raises(TableError, match="--test and --folds both say"):
        read(file, file, file, 5)
    file.write_text("text,label,target\nOne.,a,x\nTwo.,b,x\n")
    printed = run("training", "benchmark", str(file), "--k", "2", "--base", "elsewhere")
    assert printed.returncode == 1
    assert "--base is what --finetune begins from" in printed.stderr


def test_rows_that_nothing_can_be_learnt_from_are_told_before_anything_is_encoded(
    rows: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = rows[rows["target"] == "troops"].head(40).reset_index(drop=True)
    monkeypatch.setattr("training.benchmark._vectors", None)
    with pytest.raises(TableError, match="the rows of troops: 20 texts to learn from where 30 are needed; give more"):
        benchmark(few, np.arange(40) % 2, Encoder.read(RELEASED), ["neutral"])


def test_a_class_that_nobody_has_is_told(rows: pd.DataFrame, tmp_path: Path) -> None:
    rows.to_csv(tmp_path / "rows.csv", index=False)
    printed = run("training", "benchmark", str(tmp_path / "rows.csv"), "--classes", "pro,mauve")
    assert printed.returncode == 1
    assert "no row is labelled mauve; there are anti, neutral, optimistic, pro, skeptical" in printed.stderr
