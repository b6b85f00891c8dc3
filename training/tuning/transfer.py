"""Fine-tune an encoder on somebody's stance file: what the same pipeline gives when the encoder itself may learn."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import f1_score
from sklearn.model_selection import GroupShuffleSplit

from models.axes import Axis
from models.errors import StoreError
from training.tuning.base import Base, read_base
from training.tuning.finetune import HELD_OUT
from training.tuning.learn import CONSISTENCY, fresh, learn, tokenised
from training.tuning.network import BATCH, answers

STEPS, FEWEST_EPOCHS, MOST_EPOCHS = 3000, 4, 12
"""Steps that a network gets of a small file, within so many epochs: rare labels are learnt late."""
ADJUSTMENTS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Shares of the log frequency of a label that are taken off its logit; the held-out rows choose."""
SEED = 0


@contextmanager
def tuner(
    rows: pd.DataFrame, folds: np.ndarray, classes: Sequence[str], source: str | None, out: Path
) -> Iterator[Callable[[np.ndarray, bool, int], pd.Series]]:
    """Give what fine-tunes the base weights ``source`` outside a fold and answers the rows inside it.

    What was learnt is kept under ``out`` until the end, so that a run cut short goes on.

    Raises:
        EncoderError: the base weights cannot be read.
        StoreError: nothing can be written to ``out``.
    """
    base = read_base(source)
    made_of = rows.to_csv() + json.dumps([folds.tolist(), list(classes), base.name, STEPS, CONSISTENCY])
    work = out / f".working-{hashlib.sha256(made_of.encode()).hexdigest()[:8]}"
    try:
        work.mkdir(parents=True, exist_ok=True)

        def tune(test: np.ndarray, own: bool, fold: int) -> pd.Series:
            place = work / f"fold-{fold}"
            place.mkdir(exist_ok=True)
            return _answers(base, rows, test, own, classes, place)

        yield tune
        shutil.rmtree(work)
    except OSError as error:
        raise StoreError(f"{out}: cannot be written ({error.strerror}); free space there, then go on") from error


def _answers(
    base: Base, rows: pd.DataFrame, test: np.ndarray, own: bool, classes: Sequence[str], work: Path
) -> pd.Series:
    """Return the answers to the rows of ``test``, of an encoder fine-tuned on the others.

    ``own`` gives each target a head of its own over one network; else a target stands before its text. A tenth of the
    texts learnt from is held out, to choose the epoch and how much rare labels are favoured: official figures leave
    the most frequent one out.
    """
    labels = sorted(rows["label"].unique())
    coded = rows["label"].map({label: f"label{k}" for k, label in enumerate(labels)})
    codes = tuple(f"label{k}" for k in range(len(labels)))
    targets = rows["target"].unique().tolist() if own else [None]
    axes = [Axis(name=f"head{i}", labels=codes, neutral=codes[0], description=str(t)) for i, t in enumerate(targets)]
    frame = pd.DataFrame({"text": rows["text"] if own else rows["target"] + ": " + rows["text"]})
    for axis, target in zip(axes, targets, strict=True):
        frame[axis.name] = coded if target is None else coded.where(rows["target"] == target)
    known = frame[~test]
    split = GroupShuffleSplit(1, test_size=HELD_OUT, random_state=SEED).split(known, groups=rows.loc[~test, "text"])
    seen, held = (_a_text_a_row(known.iloc[part]) for part in next(split))
    epochs = min(MOST_EPOCHS, max(FEWEST_EPOCHS, -(-STEPS * BATCH // len(seen))))
    network = fresh(base, axes, SEED)
    network.load_state_dict(learn(base, seen, held, axes, SEED, epochs, work), strict=False)
    chosen_by, tested = tokenised(base, held, axes), tokenised(base, _blank(frame[test]), axes)
    held_answers, found = answers(network, chosen_by.ids, "held-out rows"), answers(network, tested.ids, "test rows")
    result = pd.Series(index=rows.index[test], dtype=object)
    for axis in axes:
        counts = seen[axis.name].value_counts().reindex(codes, fill_value=1)
        prior = np.log(counts.to_numpy() / counts.sum())
        share = _share(held_answers[axis.name], chosen_by.labels[axis.name], prior, [labels.index(c) for c in classes])
        here = tested.labels[axis.name] >= 0
        guesses = (np.log(found[axis.name][here]) - share * prior).argmax(axis=1)
        result[rows.index[test][here]] = np.array(labels, dtype=object)[guesses]
    return result


def _a_text_a_row(frame: pd.DataFrame) -> pd.DataFrame:
    """Put the labels of a text that stands once for each target side by side."""
    return _blank(frame.groupby("text", sort=False).first().reset_index())


def _blank(frame: pd.DataFrame) -> pd.DataFrame:
    """Mark a missing label by None, as a corpus does."""
    return frame.astype(object).where(frame.notna(), None)


def _share(probabilities: np.ndarray, true: np.ndarray, prior: np.ndarray, classes: Sequence[int]) -> float:
    """Return the adjustment under which mean F1 of the classes is best on held-out rows."""

    def score(share: float) -> float:
        guesses = (np.log(probabilities[true >= 0]) - share * prior).argmax(axis=1)
        return float(f1_score(true[true >= 0], guesses, labels=classes, average="macro", zero_division=0))

    return max(ADJUSTMENTS, key=score)
