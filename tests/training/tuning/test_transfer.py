from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.axes import Axis
from models.bundle import RELEASED
from tests.conftest import run
from training.corpus import Corpus
from training.tuning import transfer
from training.tuning.base import Base
from training.tuning.transfer import tuner


@pytest.fixture(scope="module")
def stances(corpus: Corpus) -> pd.DataFrame:
    """Short statements with two targets, the text of each row once for both."""
    frame = corpus.part("encoder")
    frame = frame[frame["text"].str.len() < 100].sample(160, random_state=0)
    parts = [
        pd.DataFrame({"text": frame["text"], "label": frame[axis], "target": axis}) for axis in ("troops", "outlook")
    ]
    return pd.concat(parts, ignore_index=True)


def figures(printed: str) -> dict[str, float]:
    """Return the first figure of each line of the printed table."""
    lines = [[cell.strip() for cell in line.split("│")] for line in printed.splitlines() if line.startswith("│")]
    return {cells[1]: float(cells[2]) for cells in lines}


def test_an_encoder_learns_somebodys_targets_and_is_shown_beside_the_frozen_one(
    stances: pd.DataFrame, tmp_path: Path
) -> None:
    learnt = stances["text"].isin(stances["text"].unique()[:80])
    stances[learnt].to_csv(tmp_path / "train.csv", index=False)
    stances[~learnt].to_csv(tmp_path / "test.csv", index=False)
    words = ["training", "benchmark", str(tmp_path / "train.csv"), "--test", str(tmp_path / "test.csv"), "--finetune"]
    printed = run(*words, "--encoder", str(RELEASED))
    assert printed.returncode == 0, printed.stderr
    found = figures(printed.stdout)
    alone = ["n-grams", "frozen vectors", "fine-tuned"]
    assert [*found] == ["always the most frequent", *alone, *(f"{name} and n-grams" for name in alone[1:])]
    assert found["fine-tuned"] > found["always the most frequent"] + 0.05


def test_targets_that_share_a_head_stand_before_their_texts(stances: pd.DataFrame, tmp_path: Path) -> None:
    few = stances[stances["target"] == "troops"].copy()
    few["target"] = few["text"].str.split().str[0]
    few.iloc[:40].to_csv(tmp_path / "train.csv", index=False)
    few.iloc[40:80].to_csv(tmp_path / "test.csv", index=False)
    words = ["training", "benchmark", str(tmp_path / "train.csv"), "--test", str(tmp_path / "test.csv"), "--finetune"]
    printed = run(*words, "--classes", "pro,anti", "--encoder", str(RELEASED))
    assert printed.returncode == 0, printed.stderr
    assert "fine-tuned" in figures(printed.stdout)


@pytest.mark.parametrize("own", [True, False])
def test_what_two_readers_say_of_a_text_is_learnt_from_both(
    own: bool, stances: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    def learnt(base: Base, seen: pd.DataFrame, held: pd.DataFrame, axes: Sequence[Axis], *_: object) -> None:
        for axis in axes:
            said.extend(seen[axis.name].dropna().tolist() + held[axis.name].dropna().tolist())
        raise KeyboardInterrupt  # what it is given is all that is asked here

    monkeypatch.setattr(transfer, "learn", learnt)
    second = stances.assign(label=stances["label"].replace({"neutral": "pro", "pro": "neutral"}))
    both = pd.concat([stances, second], ignore_index=True)
    folds = np.where(both["text"].isin(stances["text"].unique()[:20]), 0, -1)
    with pytest.raises(KeyboardInterrupt), tuner(both, folds, None, tmp_path) as tune:
        tune(folds == 0, own, 0)
    codes = {label: f"label{k}" for k, label in enumerate(sorted(both["label"].unique()))}
    assert Counter(said) == Counter(both.loc[folds != 0, "label"].map(codes))


def test_runs_from_other_base_weights_are_not_taken_for_one(stances: pd.DataFrame, tmp_path: Path) -> None:
    folds = np.zeros(len(stances), dtype=int)
    for source in (None, str(RELEASED)):
        with pytest.raises(KeyboardInterrupt), tuner(stances, folds, source, tmp_path):
            raise KeyboardInterrupt
    assert len(list(tmp_path.glob(".working-*"))) == 2
