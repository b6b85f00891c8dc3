from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.bundle import RELEASED
from tests.conftest import run
from training.corpus import Corpus
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


def test_runs_from_other_base_weights_are_not_taken_for_one(stances: pd.DataFrame, tmp_path: Path) -> None:
    folds = np.zeros(len(stances), dtype=int)
    for source in (None, str(RELEASED)):
        with pytest.raises(KeyboardInterrupt), tuner(stances, folds, source, tmp_path):
            raise KeyboardInterrupt
    assert len(list(tmp_path.glob(".working-*"))) == 2
