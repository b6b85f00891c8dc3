"""The same pipeline on anybody's labelled stance file, so that it can be held against published tables.

A file has the columns ``text``, ``label`` and ``target``, and ``id`` where folds are named by it. Where every target
has enough rows each gets a head of its own; where targets are many, as entities are, one head answers for all of them
from the states of the target's own words beside those of the whole text. Official figures leave the most frequent label
out or weigh it like the others, so every kind of features favours rare labels as far as rows that it has not learnt
from say it should.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.progress import track
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import GroupKFold

from models.encoder import Encoder, TokenStates
from models.errors import TableError
from models.heads import classifier, ngram_features, vector_classifier
from models.text import normalise

FEWEST_ROWS = 200
"""Rows of a target from which it gets a head of its own."""
FEWEST_TEXTS = 30
"""Texts that a head must have to learn from; n-grams of fewer than three of them are dropped."""
BASELINE = "n-grams"
STRENGTHS = {BASELINE: (1.0, 10.0), "frozen vectors": (0.03, 0.1, 0.3)}
"""Strengths of regularisation that are tried on the rows learnt from."""
FAVOURS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Shares of the log frequency of a label that are taken off its log probability."""
LEAST = 1e-9
"""The probability of a label that a head has never seen."""
SEED = 0
Tuner = Callable[[np.ndarray, bool, int], pd.DataFrame]
"""Given the mask of a fold, whether targets have heads of their own, and the fold: log probabilities (rows, labels) of
the rows of the fold and of some outside it, all of them rows that were not learnt from."""


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

    Rows of ``test`` are tested and the others learnt from, or ``folds`` names the fold of each ``id``, those that it
    does not name being learnt from, or ``k`` folds are made, all rows of a text in one.

    Raises:
        TableError: a file cannot be read, lacks a column or a cell, or names the fold of none of the rows or two folds
            of one; there are fewer texts than folds; rows to test on and folds are both given.
    """
    if test is not None and folds is not None:
        raise TableError("--test and --folds both say what is tested; give one of them")
    rows = _table(file, "text", "label", "target")
    if test is not None:
        tested = _table(test, "text", "label", "target")
        return pd.concat([rows, tested], ignore_index=True), np.repeat([-1, 0], [len(rows), len(tested)])
    if folds is None:
        if (texts := rows["text"].nunique()) < k:
            raise TableError(f"{file}: {texts} texts do not make {k} folds; name a smaller --k, or give more")
        found = np.zeros(len(rows), dtype=int)
        split = GroupKFold(k, shuffle=True, random_state=SEED).split(rows, groups=rows["text"])
        for fold, (_, asked) in enumerate(split):
            found[asked] = fold
        return rows, found
    names = _table(folds, "id", "fold")
    if "id" not in rows:
        raise TableError(f"{file}: lacks the column id, by which {folds} names the folds")
    names = names[["id", "fold"]].drop_duplicates()
    if (twice := names["id"].duplicated()).any():
        raise TableError(f"{folds}: names two folds of {names.loc[twice, 'id'].iloc[0]}; a row is tested in one")
    found, _ = pd.factorize(rows["id"].map(names.set_index("id")["fold"]), sort=True)
    if (found < 0).all():
        raise TableError(f"{folds}: names the fold of none of the rows of {file}")
    return rows, found


def _table(file: Path, *columns: str) -> pd.DataFrame:
    try:
        rows = pd.read_csv(file, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else type(error).__name__
        raise TableError(f"{file}: cannot be read ({reason}); name a CSV file in UTF-8") from error
    if missing := [name for name in columns if name not in rows]:
        raise TableError(
            f"{file}: lacks the column {', '.join(missing)}; it has {', '.join(rows.columns)}, taken apart at commas"
        )
    if rows.empty:
        raise TableError(f"{file}: holds no row")
    for name in columns:
        if (blank := rows[name].str.strip() == "").any():
            raise TableError(f"{file}: row {int(blank.to_numpy().argmax()) + 1} has no {name}; fill it in or drop it")
    return rows


def own_heads(rows: pd.DataFrame) -> bool:
    """Say whether every target has enough rows for a head of its own."""
    return bool(rows["target"].value_counts().min() >= FEWEST_ROWS)


def benchmark(
    rows: pd.DataFrame, folds: np.ndarray, encoder: Encoder, classes: Sequence[str], tune: Tuner | None = None
) -> list[Score]:
    """Score n-grams and vectors, alone and averaged with n-grams, on the folds of a file, beside the majority class.

    ``folds`` is, a row, the fold that it is tested in, -1 where it is only learnt from. A figure is the mean of F1 over
    ``classes``, then over targets, then over folds. ``tune`` fine-tunes an encoder, which is scored likewise.

    Raises:
        TableError: a head has too few texts to learn from, or all of one label.
    """
    own = own_heads(rows)
    vectors, labels = _vectors(rows, encoder, own), pd.Index(sorted(rows["label"].unique()))
    found: dict[str, list[pd.DataFrame]] = {}
    for fold in track(sorted(set(folds[folds >= 0])), description="folds", transient=True):
        test = folds == fold
        heads = list(_heads(rows, test, own))
        unseen = {
            name: pd.concat([_unseen(name, rows[of], test[of], vectors[of], labels, classes) for of in heads])
            for name in STRENGTHS
        }
        if tune:
            unseen["fine-tuned"] = tune(test, own, int(fold))
        # What fine-tuning has learnt from has no log probabilities of it, and so none of both.
        averages = {name: (logs + unseen[BASELINE]).dropna() / 2 for name, logs in unseen.items() if name != BASELINE}
        unseen |= {f"{name} and {BASELINE}": logs for name, logs in averages.items()}
        answers = {"always the most frequent": pd.concat([_most_frequent(rows[of], test[of]) for of in heads])}
        for name, logs in unseen.items():
            answers[name] = pd.concat([_answers(logs, rows[of], test[of], classes)[1] for of in heads])
        for name, answer in answers.items():
            found.setdefault(name, []).append(rows[test].assign(answer=answer, fold=fold))
    return [_score(name, pd.concat(answered), classes, own) for name, answered in found.items()]


def _heads(rows: pd.DataFrame, test: np.ndarray, own: bool) -> Iterator[np.ndarray]:
    """Yield the mask of the rows of each head: those of a target, or all."""
    for target in rows["target"].unique() if own else [None]:
        of = (rows["target"] == target).to_numpy() if own else np.ones(len(rows), dtype=bool)
        if (of & test).any():
            yield of


def _most_frequent(rows: pd.DataFrame, test: np.ndarray) -> pd.Series:
    return pd.Series(rows.loc[~test, "label"].mode()[0], rows.index[test])


def _unseen(
    name: str, rows: pd.DataFrame, test: np.ndarray, vectors: np.ndarray, labels: pd.Index, classes: Sequence[str]
) -> pd.DataFrame:
    """Return log probabilities (rows, labels) of the rows of a head, each by a fit that has not learnt from the row.

    Rows of ``test`` are answered by a fit to all others, and those by fits to two thirds of them.
    """
    texts, learnt = rows["text"], np.flatnonzero(~test)
    if (count := texts.iloc[learnt].nunique()) < FEWEST_TEXTS:
        raise TableError(f"{_named(rows)}: {count} texts to learn from where {FEWEST_TEXTS} are needed; give more")
    thirds = [(learnt[a], learnt[b]) for a, b in GroupKFold(3).split(learnt, groups=texts.iloc[learnt])]
    features: Any = ngram_features().fit(texts.iloc[learnt]).transform(texts) if name == BASELINE else vectors

    def fitted(strength: float, learn: np.ndarray, ask: np.ndarray) -> pd.DataFrame:
        head = classifier(strength) if name == BASELINE else vector_classifier(strength)
        known = rows["label"].iloc[learn]
        if known.nunique() == 1:
            raise TableError(f"{_named(rows)}: nearly all are {known.iloc[0]}; give more rows of another label")
        head.fit(features[learn], known)
        probabilities = np.full((len(ask), len(labels)), LEAST)
        probabilities[:, labels.get_indexer(head.classes_)] = head.predict_proba(features[ask]).clip(min=LEAST)
        return pd.DataFrame(np.log(probabilities), rows.index[ask], labels)

    tried = {strength: pd.concat([fitted(strength, *third) for third in thirds]) for strength in STRENGTHS[name]}
    best = max(tried, key=lambda strength: _answers(tried[strength], rows, test, classes)[0])
    return pd.concat([tried[best], fitted(best, learnt, np.flatnonzero(test))])


def _named(rows: pd.DataFrame) -> str:
    """Name the rows of a head for people."""
    return f"the rows of {rows['target'].iloc[0]}" if rows["target"].nunique() == 1 else "the rows of all targets"


def _answers(
    unseen: pd.DataFrame, rows: pd.DataFrame, test: np.ndarray, classes: Sequence[str]
) -> tuple[float, pd.Series]:
    """Favour rare labels as far as is best for the F1 of ``classes`` outside ``test``; return that F1, and the answers.

    ``unseen`` has the log probabilities of rows that were not learnt from; the answers are those to rows of ``test``.
    """
    known, asked = (unseen.loc[unseen.index.intersection(rows.index[part])] for part in (~test, test))
    counts = rows.loc[~test, "label"].value_counts().reindex(unseen.columns, fill_value=1)
    frequency = np.log(counts / counts.sum())

    def answered(logs: pd.DataFrame, favour: float) -> pd.Series:
        return pd.Series(logs.columns[(logs - favour * frequency).to_numpy().argmax(axis=1)], logs.index)

    scores = {favour: _f1(rows.loc[known.index, "label"], answered(known, favour), classes) for favour in FAVOURS}
    best = max(scores, key=lambda favour: scores[favour])
    return scores[best], answered(asked, best)


def _f1(labels: pd.Series, answers: pd.Series, classes: Sequence[str]) -> float:
    return float(f1_score(labels, answers, labels=classes, average="macro", zero_division=0))


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
        return _f1(rows["label"], rows["answer"], classes)

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
