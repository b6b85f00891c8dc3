"""The same pipeline on anybody's labelled stance file, so that it can be held against published tables.

A file has the columns ``text``, ``label`` and ``target``, and ``id`` where folds are named by it. Where every target
has enough rows each gets a head of its own. Where targets are many or new, as entities are, one head answers for all of
them: from the text, the states of the target's own words in it, the target by itself, and how text and target meet.
Official figures leave the most frequent label out or weigh it like the others, so every kind of features favours rare
labels as far as rows that it has not learnt from say it should.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from rich.progress import track
from sklearn.compose import ColumnTransformer
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import GroupKFold

from models.encoder import Encoder, TokenStates
from models.errors import TableError
from models.heads import classifier, ngram_features, vector_classifier
from training.stance_file import tested

FEWEST_ROWS = 100
"""Rows to learn from with which a target gets a head of its own."""
FEWEST_TEXTS = 30
"""Texts that a head must have to learn from; n-grams of fewer than three of them are dropped."""
BASELINE = "n-grams"
STRENGTHS = {BASELINE: (1.0, 10.0), "frozen vectors": (0.01, 0.03, 0.1, 0.3)}
"""Strengths of regularisation that are tried on the rows learnt from."""
FAVOURS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Shares of the log frequency of a label that are taken off its log probability."""
CHUNK = 64
"""Texts whose token states are held at once."""
LEAST = 1e-9
"""The probability of a label that a head has never seen."""
Tuner = Callable[[np.ndarray, bool, int], pd.DataFrame]
"""Given the mask of a fold, whether targets have heads of their own, and the fold: log probabilities (rows, labels) of
the rows of the fold and of some outside it, all of them rows that were not learnt from."""


@dataclass(frozen=True, slots=True)
class Score:
    """Hold the figures of one kind of features, each a mean over the folds.

    ``macro_f1`` is the mean over the targets where each has a head of its own, else of all rows together, as ``pooled``
    is in any case: published tables have the one or the other.
    """

    features: str
    macro_f1: float
    pooled: float
    by_target: dict[str, float]
    by_fold: tuple[float, ...]
    accuracy: float


def own_heads(rows: pd.DataFrame, folds: np.ndarray) -> bool:
    """Say whether every target that is tested has enough rows outside its fold for a head of its own."""
    learnt = [
        rows.loc[folds != fold, "target"]
        .value_counts()
        .reindex(rows.loc[folds == fold, "target"].unique(), fill_value=0)
        for fold in tested(folds)
    ]
    return bool(pd.concat(learnt).min() >= FEWEST_ROWS)


def benchmark(
    rows: pd.DataFrame, folds: np.ndarray, encoder: Encoder, classes: Sequence[str], tune: Tuner | None = None
) -> list[Score]:
    """Score n-grams and vectors, alone and averaged with n-grams, on the folds of a file, beside the majority class.

    ``folds`` is, a row, the fold that it is tested in, -1 where it is only learnt from. A figure is the mean of F1 over
    ``classes``, over all labels where none is named. ``tune`` fine-tunes an encoder, which is scored likewise.

    Raises:
        TableError: a head has too few texts to learn from, or their words have nothing in common.
    """
    own = own_heads(rows, folds)
    for fold in tested(folds):  # before anything takes its time
        for of in _heads(rows, folds == fold, own):
            _enough(rows[of & (folds != fold)])
    vectors, labels = _vectors(rows, encoder, own), pd.Index(sorted(rows["label"].unique()))
    found: dict[str, list[pd.DataFrame]] = {}
    for fold in track(tested(folds), description="folds", transient=True):
        test = folds == fold
        heads = list(_heads(rows, test, own))
        unseen = {
            name: pd.concat([_unseen(name, rows[of], test[of], vectors[of], labels, classes, own) for of in heads])
            for name in STRENGTHS
        }
        if tune:
            unseen["fine-tuned"] = tune(test, own, fold)
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
    """Yield the mask of the rows of each head that is tested: those of a target, or all."""
    for target in rows["target"].unique() if own else [None]:
        of = (rows["target"] == target).to_numpy() if own else np.ones(len(rows), dtype=bool)
        if (of & test).any():
            yield of


def _enough(learnt: pd.DataFrame) -> None:
    if (count := learnt["text"].nunique()) < FEWEST_TEXTS:
        raise TableError(f"{_named(learnt)}: {count} texts to learn from where {FEWEST_TEXTS} are needed; give more")


def _most_frequent(rows: pd.DataFrame, test: np.ndarray) -> pd.Series:
    return pd.Series(rows.loc[~test, "label"].mode()[0], rows.index[test])


def _unseen(
    name: str,
    rows: pd.DataFrame,
    test: np.ndarray,
    vectors: np.ndarray,
    labels: pd.Index,
    classes: Sequence[str],
    own: bool,
) -> pd.DataFrame:
    """Return log probabilities (rows, labels) of the rows of a head, each by a fit that has not learnt from the row.

    Rows of ``test`` are answered by a fit to all others, and those by fits to two thirds of them.
    """
    learnt = np.flatnonzero(~test)
    thirds = [(learnt[a], learnt[b]) for a, b in GroupKFold(3).split(learnt, groups=rows["text"].iloc[learnt])]
    features = _ngrams(rows, learnt, own) if name == BASELINE else _crossed(vectors, learnt, own)

    def fitted(strength: float, learn: np.ndarray, ask: np.ndarray) -> pd.DataFrame:
        known = rows["label"].iloc[learn]
        probabilities = np.full((len(ask), len(labels)), LEAST)
        if known.nunique() == 1:  # nothing to fit, and nothing else to answer
            probabilities[:, labels.get_loc(known.iloc[0])] = 1
        else:
            head = classifier(strength) if name == BASELINE else vector_classifier(strength)
            head.fit(features[learn], known)
            probabilities[:, labels.get_indexer(head.classes_)] = head.predict_proba(features[ask]).clip(min=LEAST)
        return pd.DataFrame(np.log(probabilities), rows.index[ask], labels)

    tried = {strength: pd.concat([fitted(strength, *third) for third in thirds]) for strength in STRENGTHS[name]}
    best = max(tried, key=lambda strength: _answers(tried[strength], rows, test, classes)[0])
    return pd.concat([tried[best], fitted(best, learnt, np.flatnonzero(test))])


def _ngrams(rows: pd.DataFrame, learnt: np.ndarray, own: bool) -> Any:
    """Return the n-grams of texts, beside them those of their targets where these share a head."""
    columns = ["text"] if own else ["text", "target"]
    features = ColumnTransformer([(name, ngram_features(), name) for name in columns], sparse_threshold=1)
    try:
        return features.fit(rows.iloc[learnt]).transform(rows).tocsr()
    except ValueError as error:  # scikit-learn's word for texts that share nothing
        if not own:  # or for targets of which each is another
            return _ngrams(rows, learnt, own=True)
        raise TableError(f"{_named(rows)}: the texts have no words in common; give more") from error


def _crossed(vectors: np.ndarray, learnt: np.ndarray, own: bool) -> np.ndarray:
    """Put beside vectors the products of a text's and its target's: by these a linear head sees how the two meet.

    ``vectors`` are (rows, 3 width): of the text, of the target's words in it, of the target by itself. Both factors are
    centred, and the products are as long as the texts' vectors, by rows ``learnt``. Of a target with a head of its own
    there is nothing to meet.
    """
    if own:
        return vectors
    centred = vectors - vectors[learnt].mean(axis=0)
    text, _, target = np.split(centred, 3, axis=1)
    products = text * target
    length, found = (float(np.square(part[learnt]).mean()) for part in (text, products))
    return np.hstack([vectors, products * np.float32((length / max(found, LEAST)) ** 0.5)])


def _named(rows: pd.DataFrame) -> str:
    """Name the rows of a head for people."""
    return f"the rows of {rows['target'].iloc[0]}" if rows["target"].nunique() == 1 else "the rows of all targets"


def _answers(
    unseen: pd.DataFrame, rows: pd.DataFrame, test: np.ndarray, classes: Sequence[str]
) -> tuple[float, pd.Series]:
    """Favour rare labels as far as is best for the F1 of ``classes`` outside ``test``; return that F1, and the answers.

    ``unseen`` has the log probabilities of rows that were not learnt from; the answers are those to rows of ``test``.
    """
    counts = rows.loc[~test, "label"].value_counts().reindex(unseen.columns).dropna()
    unseen, frequency = unseen[counts.index], np.log(counts / counts.sum())  # what nobody has learnt is no answer
    known, asked = (unseen.loc[unseen.index.intersection(rows.index[part])] for part in (~test, test))

    def answered(logs: pd.DataFrame, favour: float) -> pd.Series:
        return pd.Series(logs.columns[(logs - favour * frequency).to_numpy().argmax(axis=1)], logs.index)

    scores = {favour: _f1(rows.loc[known.index, "label"], answered(known, favour), classes) for favour in FAVOURS}
    best = max(scores, key=lambda favour: scores[favour])
    return scores[best], answered(asked, best)


def _f1(labels: pd.Series, answers: pd.Series, classes: Sequence[str]) -> float:
    return float(f1_score(labels, answers, labels=classes or None, average="macro", zero_division=0))


def _vectors(rows: pd.DataFrame, encoder: Encoder, own: bool) -> np.ndarray:
    """Return the vectors of the texts, (rows, width).

    Where targets share a head, (rows, 3 width): beside them the mean state of the target's words where the text has
    them, else the text's vector again, and the vector of the target by itself.
    """
    found = np.empty((len(rows), encoder.width * (1 if own else 3)), dtype=np.float32)
    places = rows.groupby("text", sort=False).indices
    distinct, targets = rows["text"].unique().tolist(), rows["target"].tolist()
    for at in track(range(0, len(distinct), CHUNK), description=f"encoding {len(distinct)} texts", transient=True):
        part = distinct[at : at + CHUNK]
        if own:
            for text, vector in zip(part, encoder.transform(part), strict=True):
                found[places[text]] = vector
            continue
        for text, states in zip(part, encoder.token_states(part), strict=True):
            for place in places[text]:
                found[place, : 2 * encoder.width] = np.concatenate(
                    [states.vector, _named_in(text, targets[place], states)]
                )
    if not own:
        apart = rows["target"].unique().tolist()
        vectors = pd.DataFrame(encoder.transform(apart), index=apart)
        found[:, 2 * encoder.width :] = vectors.loc[targets].to_numpy()
    return found


def _named_in(text: str, target: str, states: TokenStates) -> np.ndarray:
    """Return the mean state of the words of a target where it is first named in a text, else of all words."""
    named = re.search(rf"(?<!\w){re.escape(target.lower())}(?!\w)", text.lower())
    inside = [named is not None and a < named.end() and b > named.start() for a, b in states.spans]
    return states.states[inside].mean(axis=0) if any(inside) else states.vector


def _score(name: str, found: pd.DataFrame, classes: Sequence[str], own: bool) -> Score:
    def macro(rows: pd.DataFrame) -> float:
        return _f1(rows["label"], rows["answer"], classes)

    figures = found.groupby(["fold", "target"] if own else ["fold"], sort=False).apply(macro)
    by_fold = figures.groupby("fold").mean()
    by_target = figures.groupby("target", sort=False).mean() if own else pd.Series(dtype=float)
    return Score(
        name,
        float(by_fold.mean()),
        float(found.groupby("fold").apply(macro).mean()),
        {str(target): float(value) for target, value in by_target.items()},
        tuple(by_fold.tolist()),
        float(accuracy_score(found["label"], found["answer"])),
    )
