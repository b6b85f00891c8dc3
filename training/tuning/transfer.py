"""Fine-tune an encoder on somebody's stance file: what the same pipeline gives when the encoder itself may learn."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupShuffleSplit

from models.axes import Axis
from models.errors import StoreError
from training.benchmark import LEAST, Tuner
from training.tuning.base import Base, read_base
from training.tuning.finetune import HELD_OUT
from training.tuning.learn import CONSISTENCY, fresh, learn
from training.tuning.network import BATCH, answers, token_ids

STEPS, FEWEST_EPOCHS, MOST_EPOCHS = 3000, 4, 12
"""Steps that a network gets of a small file, within so many epochs: rare labels are learnt late."""
SEED = 0


@contextmanager
def tuner(rows: pd.DataFrame, folds: np.ndarray, source: str | None, out: Path) -> Iterator[Tuner]:
    """Give what fine-tunes the base weights ``source`` outside a fold.

    What was learnt is kept under ``out`` until the end, so that a run cut short goes on.

    Raises:
        EncoderError: the base weights cannot be read.
        StoreError: nothing can be written to ``out``.
    """
    base = read_base(source)
    made_of = rows.to_csv() + json.dumps([folds.tolist(), base.name, base.digest, STEPS, CONSISTENCY])
    work = out / f".working-{hashlib.sha256(made_of.encode()).hexdigest()[:8]}"
    try:
        work.mkdir(parents=True, exist_ok=True)

        def tune(test: np.ndarray, own: bool, fold: int) -> pd.DataFrame:
            place = work / f"fold-{fold}"
            place.mkdir(exist_ok=True)
            return _unseen(base, rows, test, own, place)

        yield tune
        shutil.rmtree(work)
    except OSError as error:
        raise StoreError(f"{out}: cannot be written ({error.strerror}); free space there, then go on") from error


def _unseen(base: Base, rows: pd.DataFrame, test: np.ndarray, own: bool, work: Path) -> pd.DataFrame:
    """Return log probabilities (rows, labels) by an encoder fine-tuned outside ``test``, of rows it has not seen.

    ``own`` gives each target a head of its own over one network; else a target stands before its text. A tenth of the
    texts outside ``test`` is held out, to choose the epoch and, later, how much rare labels are favoured.
    """
    labels = sorted(rows["label"].unique())
    coded = rows["label"].map({label: f"label{k}" for k, label in enumerate(labels)})
    codes = tuple(f"label{k}" for k in range(len(labels)))
    targets = rows["target"].unique().tolist() if own else [None]
    axes = [Axis(name=f"head{i}", labels=codes, neutral=codes[0], description=str(t)) for i, t in enumerate(targets)]
    frame = pd.DataFrame({"text": rows["text"] if own else rows["target"] + ": " + rows["text"]})
    frame["turn"] = rows.groupby(["text", "target"]).cumcount()
    for axis, target in zip(axes, targets, strict=True):
        frame[axis.name] = coded if target is None else coded.where(rows["target"] == target)
    known = frame[~test]
    split = GroupShuffleSplit(1, test_size=HELD_OUT, random_state=SEED).split(known, groups=rows.loc[~test, "text"])
    seen, held = (known.iloc[part] for part in next(split))
    epochs = min(MOST_EPOCHS, max(FEWEST_EPOCHS, -(-STEPS * BATCH // seen["text"].nunique())))
    network = fresh(base, axes, SEED)
    weights = learn(base, _a_text_a_row(seen), _a_text_a_row(held), axes, SEED, epochs, work)
    network.load_state_dict(weights, strict=False)
    asked = frame.drop(index=seen.index)
    texts = asked["text"].unique()
    found = answers(network, token_ids(base.tokenizer, texts.tolist()), "rows not learnt from")
    parts = []
    for axis, target in zip(axes, targets, strict=True):
        of = asked if target is None else asked[rows.loc[asked.index, "target"] == target]
        probabilities = found[axis.name][pd.Index(texts).get_indexer(of["text"])]
        parts.append(pd.DataFrame(np.log(probabilities.clip(min=LEAST)), of.index, labels))
    return pd.concat(parts)


def _a_text_a_row(frame: pd.DataFrame) -> pd.DataFrame:
    """Put the labels of a text that stands once for each target side by side, a missing one None as in a corpus.

    Where it stands again for one, by another reader, that is another row.
    """
    found = frame.groupby(["text", "turn"], sort=False).first().reset_index()
    return found.astype(object).where(found.notna(), None)
