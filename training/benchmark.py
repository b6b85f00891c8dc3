"""The same pipeline on anybody's labelled stance file, so that it can be held against published tables.

A file has the columns ``text``, ``label`` and ``target``, and ``id`` where folds are named by it. Where every target
has enough rows each gets a head of its own; where targets are many, as entities are, one head answers for all of them
from the states of the target's own words beside those of the whole text.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.progress import track
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from models.encoder import Encoder, TokenStates
from models.errors import TableError
from models.heads import ngram_features
from models.text import normalise

FEWEST_ROWS = 200
"""Rows of a target from which it gets a head of its own."""
STRENGTHS = {"n-grams": (10.0,), "frozen vectors": (0.003, 0.01, 0.03, 0.1)}
"""Strengths of regularisation that are tried on the rows learnt from."""
SEED = 0
Tuner = Callable[[np.ndarray, bool, int], pd.Series]


@dataclass(frozen=True, slots=True)
class Score:
    """Hold the figures of one kind of features: the mean over the targets, and over the folds, of each."""

    features: str
    macro_f1: float
    by_target: dict[str, float]
    by_fold: tuple[float, ...]
    accuracy: float


def read(file: Path, test: Path | None, folds: Path | None, k: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Read a stance file; return its rows, and a row the fold that it is tested in, -1 where it is only learnt from.

    Rows of ``test`` are tested and the others learnt from, or ``folds`` names the fold of each ``id``, or ``k`` folds
    are made, all rows of a text in one.

    Raises:
        TableError: a file cannot be read, lacks a column, or names the fold of none of the rows.
    """
    rows = _table(file, "text", "label", "target")
    if test is not None:
        tested = _table(test, "text", "label", "target")
        return pd.concat([rows, tested], ignore_index=True), np.repeat([-1, 0], [len(rows), len(tested)])
    if folds is None:
        found = np.zeros(len(rows), dtype=int)
        split = GroupKFold(k, shuffle=True, random_state=SEED).split(rows, groups=rows["text"])
        for fold, (_, asked) in enumerate(split):
            found[asked] = fold
        return rows, found
    names = _table(folds, "id", "fold")
    if "id" not in rows:
        raise TableError(f"{file}: lacks the column id, by which {folds} names the folds")
    known = dict(zip(names["id"], names["fold"].astype(int), strict=True))
    found = rows["id"].map(known).fillna(-1).to_numpy(dtype=int)
    if (found < 0).all():
        raise TableError(f"{folds}: names the fold of none of the rows of {file}")
    return rows, found


def _table(file: Path, *columns: str) -> pd.DataFrame:
    try:
        rows = pd.read_csv(file, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise TableError(f"{file}: cannot be read ({type(error).__name__}); name a CSV file in UTF-8") from error
    if missing := [name for name in columns if name not in rows]:
        raise TableError(f"{file}: lacks the column {', '.join(missing)}; it has {', '.join(rows.columns)}")
    return rows


def benchmark(
    rows: pd.DataFrame, folds: np.ndarray, encoder: Encoder, classes: Sequence[str], tune: Tuner | None = None
) -> list[Score]:
    """Score n-grams and frozen vectors on the folds of a file, beside the majority class.

    ``folds`` is, a row, the fold that it is tested in, -1 where it is only learnt from. A figure is the mean of F1 over
    ``classes``, then over targets, then over folds. ``tune`` fine-tunes an encoder on the rows outside a fold and
    answers those inside; it is given the mask of the fold, whether targets have heads of their own, and the fold.
    """
    own = bool(rows["target"].value_counts().min() >= FEWEST_ROWS)
    vectors = _vectors(rows, encoder, own)
    found: dict[str, list[pd.DataFrame]] = {"always the most frequent": [], **{name: [] for name in STRENGTHS}}
    for fold in track(sorted(set(folds[folds >= 0])), description="folds", transient=True):
        test = folds == fold
        for name in found:
            answers = pd.Series(index=rows.index[test], dtype=object)
            for learn, ask in _parts(rows, test, own):
                answers[rows.index[ask]] = _answers(name, rows, learn, ask, vectors)
            found[name].append(rows[test].assign(answer=answers, fold=fold))
        if tune:
            found.setdefault("fine-tuned", []).append(rows[test].assign(answer=tune(test, own, int(fold)), fold=fold))
    return [_score(name, pd.concat(parts), classes, own) for name, parts in found.items()]


def _parts(rows: pd.DataFrame, test: np.ndarray, own: bool) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield which rows a head learns from and answers: those of a target, or all at once."""
    for target in rows["target"].unique() if own else [None]:
        here = (rows["target"] == target).to_numpy() if own else np.ones(len(rows), dtype=bool)
        if (here & test).any():
            yield here & ~test, here & test


def _answers(name: str, rows: pd.DataFrame, learn: np.ndarray, ask: np.ndarray, vectors: np.ndarray) -> Any:
    labels = rows.loc[learn, "label"]
    if name not in STRENGTHS:
        return labels.mode()[0]
    # Official figures leave the most frequent class out or weigh it like the others, so the head does too.
    head = LogisticRegression(solver="newton-cg", class_weight="balanced")
    if name == "n-grams":
        model = make_pipeline(ngram_features(), head.set_params(C=STRENGTHS[name][0]))
        return model.fit(rows.loc[learn, "text"], labels).predict(rows.loc[ask, "text"])
    model = make_pipeline(StandardScaler(), head)
    tried = {"logisticregression__C": STRENGTHS[name]}
    search = GridSearchCV(model, tried, scoring="f1_macro", cv=GroupKFold(3), n_jobs=-1)
    return search.fit(vectors[learn], labels, groups=rows.loc[learn, "text"]).predict(vectors[ask])


def _vectors(rows: pd.DataFrame, encoder: Encoder, own: bool) -> np.ndarray:
    """Return the vectors of the texts; where targets share a head, beside them the mean state of the target's words."""
    distinct = rows["text"].drop_duplicates().tolist()
    whole: dict[str, np.ndarray] = {}
    states: dict[str, TokenStates] = {}
    for at in track(range(0, len(distinct), 256), description=f"encoding {len(distinct)} texts", transient=True):
        part = distinct[at : at + 256]
        if own:
            whole |= dict(zip(part, encoder.transform(part), strict=True))
        else:
            states |= dict(zip(part, encoder.token_states(part), strict=True))
    if own:
        return np.stack([whole[text] for text in rows["text"]])
    vectors = []
    for text, target in zip(rows["text"], rows["target"], strict=True):
        found = states[text]
        start = normalise(text).lower().find(normalise(target).lower())
        end = start + len(normalise(target))
        inside = [start >= 0 and a < end and b > start for a, b in found.spans]
        named = found.states[inside].mean(axis=0) if any(inside) else found.vector
        vectors.append(np.concatenate([found.vector, named]))
    return np.stack(vectors)


def _score(name: str, found: pd.DataFrame, classes: Sequence[str], own: bool) -> Score:
    def macro(rows: pd.DataFrame) -> float:
        return float(f1_score(rows["label"], rows["answer"], labels=classes, average="macro", zero_division=0))

    targets = found["target"].unique().tolist() if own else []
    by_target = {t: np.mean([macro(f) for _, f in found[found["target"] == t].groupby("fold")]) for t in targets}
    by_fold = tuple(
        float(np.mean([macro(rows[rows["target"] == t]) for t in targets])) if own else macro(rows)
        for _, rows in found.groupby("fold")
    )
    return Score(
        name,
        float(np.mean(by_fold)),
        {target: float(value) for target, value in by_target.items()},
        by_fold,
        float(accuracy_score(found["label"], found["answer"])),
    )
