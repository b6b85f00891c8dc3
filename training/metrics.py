"""Figures of a classifier on labelled rows, each with an interval by a bootstrap over groups."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from models.axes import Axis

DRAWS = 1_000
BINS = 10
LENGTHS = [0, 80, 120, 160, 200, 300, 2000]
"""Bounds of the lengths, in characters, by which figures are sliced."""
SEED = 0

WORST_LOSS = -0.015
"""Difference of macro-F1 under which a version is refused even where chance could explain it."""

Figure = dict[str, float | None]
"""``value`` with the bounds ``low`` and ``high`` of its 95 % interval; None where nothing could be measured."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Hold the difference of macro-F1 of a challenger to what serves, on one axis, with its 95 % interval."""

    rows: int
    difference: float
    low: float
    high: float

    @property
    def refused(self) -> bool:
        """Say whether the challenger is surely or clearly worse."""
        return self.high < 0 or self.difference < WORST_LOSS


def difference(rows: pd.DataFrame, axis: Axis, challenger: np.ndarray, champion: np.ndarray) -> Comparison:
    """Compare two sets of predicted places of labels on the same labelled rows, drawing whole groups together."""
    true = np.array([axis.labels.index(label) for label in rows[axis.name]])
    weights = draws(rows["group"].tolist())
    scores = []
    for predicted in (challenger, champion):
        matrices = confusion(true, predicted, len(axis.labels), weights)
        scores.append(np.nanmean(f1(matrices), axis=1))
    differences = scores[0] - scores[1]
    low, high = np.quantile(differences[1:], [0.025, 0.975])
    return Comparison(len(rows), float(differences[0]), float(low), float(high))


def measure(
    rows: pd.DataFrame,
    axis: Axis,
    probabilities: np.ndarray,
    threshold: float,
    axes: Sequence[Axis] = (),
    ngrams: np.ndarray | None = None,
) -> dict[str, Any]:
    """Return the figures of one axis, over all rows and by language and provenance.

    ``selective`` holds coverage and accuracy where the confidence reaches the ``threshold``, over all rows and by
    language, and ``risk_coverage`` the accuracy of the most confident share of the answers.
    ``slices`` holds macro-F1 and accuracy by kind, hard kind, length and the labels on all ``axes``.
    ``rows`` has the columns of a corpus, ``probabilities`` is (rows, labels) beside it; rows without a label on the
    axis are passed over. ``ngrams`` are the places of the labels that the baseline answers, beside the rows: every
    macro-F1 then has the baseline's by its side, under the name ``ngrams``.
    """
    labelled = rows[axis.name].notna().to_numpy()
    rows, probabilities = rows[labelled], probabilities[labelled]
    ngrams = None if ngrams is None else ngrams[labelled]
    true = np.array([axis.labels.index(label) for label in rows[axis.name]])
    figures: dict[str, Any] = {
        "all": _figures(rows, axis, probabilities) | _beside(ngrams, true, axis),
        "majority": _majority(true, axis),
        "reliability": reliability(true, probabilities),
        "risk_coverage": risk_coverage(true, probabilities),
        "selective": {
            name: _selective(rows[mask], true[mask], probabilities[mask], threshold)
            for name in ("all", *sorted(rows["lang"].dropna().unique()))
            if (mask := ((rows["lang"] == name) | (name == "all")).to_numpy()).any()
        },
    }
    for slicing, column in (("language", "lang"), ("provenance", "provenance")):
        figures[slicing] = {
            str(value): _figures(rows[mask], axis, probabilities[mask]) | _beside(ngrams, true, axis, mask)
            for value in sorted(rows[column].dropna().unique())
            if (mask := (rows[column] == value).to_numpy()).any()
        }
    figures["slices"] = {
        slicing: {
            str(value): _brief(rows[mask], true[mask], probabilities[mask].argmax(axis=1), len(axis.labels))
            | _beside(ngrams, true, axis, mask)
            for value in (by.cat.categories if hasattr(by, "cat") else sorted(by.dropna().unique()))
            if (mask := (by == value).to_numpy()).any()
        }
        for slicing, by in _slicings(rows, axes or (axis,)).items()
    }
    return figures


def _majority(true: np.ndarray, axis: Axis) -> dict[str, Any]:
    """Return the figures of one who always gives the most frequent label, beside which all others stand."""
    counts = np.bincount(true, minlength=len(axis.labels))
    share = float(counts.max() / counts.sum())
    return {
        "label": axis.labels[int(counts.argmax())],
        "macro_f1": round(2 * share / (1 + share) / int((counts > 0).sum()), 4),
        "accuracy": round(share, 4),
    }


def _beside(
    ngrams: np.ndarray | None, true: np.ndarray, axis: Axis, mask: np.ndarray | slice = slice(None)
) -> dict[str, float]:
    """Return the macro-F1 of the baseline over the labels that occur, where there is a baseline."""
    if ngrams is None:
        return {}
    matrix = confusion(true[mask], ngrams[mask], len(axis.labels), np.ones(len(true[mask])))
    occurs = matrix.sum(axis=1) > 0
    return {"ngrams": round(float(np.where(occurs, f1(matrix), 0).sum() / occurs.sum()), 4)}


def _slicings(rows: pd.DataFrame, axes: Sequence[Axis]) -> dict[str, pd.Series]:
    """Return what rows are sliced by besides language and provenance, a value a row."""
    lengths = pd.cut(rows["text"].str.len(), LENGTHS, labels=[f"to {end} characters" for end in LENGTHS[1:]])
    names = [axis.name for axis in axes]
    pairs = rows[names].fillna("–").agg(" + ".join, axis="columns")
    return {"kind": rows["kind"], "trait": rows["trait"], "length": lengths, "labels": pairs}


def _brief(rows: pd.DataFrame, true: np.ndarray, predicted: np.ndarray, labels: int) -> dict[str, Any]:
    """Return macro-F1 over the labels that occur, and accuracy, with their intervals."""
    weights = draws(rows["group"].tolist())
    matrices = confusion(true, predicted, labels, weights)
    occurs = matrices.sum(axis=2) > 0
    drawn = occurs.sum(axis=1)
    scores = np.where(occurs, f1(matrices), 0).sum(axis=1)
    hits = np.trace(matrices, axis1=1, axis2=2)
    return {
        "rows": len(rows),
        "macro_f1": _figure(np.divide(scores, drawn, out=np.full(len(drawn), np.nan), where=drawn > 0)),
        "accuracy": _figure(
            np.divide(hits, matrices.sum(axis=(1, 2)), out=np.full(len(drawn), np.nan), where=drawn > 0)
        ),
    }


def _figures(rows: pd.DataFrame, axis: Axis, probabilities: np.ndarray) -> dict[str, Any]:
    """Return macro-F1, F1 a label, accuracy, calibration error and the confusion matrix with their intervals.

    The matrix has a row a true label and a column a predicted one, as counts and as shares of the true label.
    """
    true = np.array([axis.labels.index(label) for label in rows[axis.name]])
    weights = draws(rows["group"].tolist())
    matrices = confusion(true, probabilities.argmax(axis=1), len(axis.labels), weights)
    f1s = f1(matrices)
    shares = matrices / np.maximum(matrices.sum(axis=2, keepdims=True), 1)
    return {
        "rows": len(rows),
        "macro_f1": _figure(np.nanmean(f1s, axis=1)),
        "f1": {label: _figure(f1s[:, k]) for k, label in enumerate(axis.labels)},
        "accuracy": _figure(np.trace(matrices, axis1=1, axis2=2) / matrices.sum(axis=(1, 2))),
        "calibration_error": _figure(calibration_error(true, probabilities, weights)),
        "confusion": {
            "counts": matrices[0].astype(int).tolist(),
            "shares": [[_figure(shares[:, i, j]) for j in range(len(axis.labels))] for i in range(len(axis.labels))],
        },
    }


def draws(groups: Sequence[str]) -> np.ndarray:
    """Return how often each row counts, (draws, rows): all ones first, then a line a bootstrap draw of whole groups."""
    _, codes = np.unique(np.asarray(groups), return_inverse=True)
    count = int(codes.max()) + 1
    drawn = np.random.default_rng(SEED).integers(count, size=(DRAWS, count))
    cells = (drawn + count * np.arange(DRAWS)[:, None]).ravel()  # one count for all draws, in a fifth of the time
    weights = np.bincount(cells, minlength=DRAWS * count).reshape(DRAWS, count)
    return np.vstack([np.ones((1, len(codes))), weights[:, codes]])


def confusion(true: np.ndarray, predicted: np.ndarray, labels: int, weights: np.ndarray) -> np.ndarray:
    """Return confusion matrices (…, labels, labels), true labels down, by the weights (…, rows) of the rows."""
    cells = np.eye(labels * labels)[true * labels + predicted]
    return np.asarray(weights @ cells).reshape(*weights.shape[:-1], labels, labels)


def f1(matrices: np.ndarray) -> np.ndarray:
    """Return F1 a label of confusion matrices (…, labels, labels); nan where a label is neither true nor predicted."""
    hits = np.diagonal(matrices, axis1=-2, axis2=-1)
    total = matrices.sum(axis=-1) + matrices.sum(axis=-2)
    return np.asarray(np.divide(2 * hits, total, out=np.full(total.shape, np.nan), where=total > 0))


def calibration_error(true: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the expected calibration error of the top label over bins of equal count, for each line of weights.

    It is a sum of distances, so drawing rows anew adds to it: its bootstrap interval leans upward.
    """
    confidence, hit = probabilities.max(axis=1), probabilities.argmax(axis=1) == true
    order = np.argsort(confidence, kind="stable")
    gap = (confidence - hit)[order]

    def error(weight: np.ndarray) -> float:
        total = weight.sum()
        bins = np.minimum(((np.cumsum(weight) - weight / 2) / total * BINS).astype(int), BINS - 1)
        return float(np.abs(np.bincount(bins, weight * gap, BINS)).sum() / total)

    return np.array([error(line[order]) for line in weights])  # one by one: all at once would take as much memory again


def reliability(true: np.ndarray, probabilities: np.ndarray) -> list[dict[str, float]]:
    """Return mean confidence and share right of each bin of equal count, least confident first."""
    confidence, hit = probabilities.max(axis=1), probabilities.argmax(axis=1) == true
    bins = np.array_split(np.argsort(confidence, kind="stable"), BINS)
    return [
        {
            "rows": len(b),
            "confidence": round(float(confidence[b].mean()), 4),
            "accuracy": round(float(hit[b].mean()), 4),
        }
        for b in bins
        if len(b)
    ]


def risk_coverage(true: np.ndarray, probabilities: np.ndarray) -> list[dict[str, float]]:
    """Return the accuracy of the most confident tenth, two tenths, … of the answers."""
    order = np.argsort(-probabilities.max(axis=1), kind="stable")
    right = (probabilities.argmax(axis=1) == true)[order]
    kept = [max(1, round(len(true) * part / BINS)) for part in range(1, BINS + 1)]
    return [
        {
            "coverage": round(n / len(true), 4),
            "accuracy": round(float(right[:n].mean()), 4),
            "confidence": round(float(probabilities.max(axis=1)[order[n - 1]]), 4),
        }
        for n in kept
    ]


def _selective(rows: pd.DataFrame, true: np.ndarray, probabilities: np.ndarray, threshold: float) -> dict[str, Figure]:
    """Return the share of answers at or above a confidence, and the accuracy of those."""
    weights = draws(rows["group"].tolist())
    certain = weights * (probabilities.max(axis=1) >= threshold)
    right = (certain * (probabilities.argmax(axis=1) == true)).sum(axis=1)
    answered = certain.sum(axis=1)
    return {
        "coverage": _figure(answered / weights.sum(axis=1)),
        "accuracy": _figure(np.divide(right, answered, out=np.full(len(right), np.nan), where=answered > 0)),
    }


def _figure(values: np.ndarray) -> Figure:
    """Return the first value with the percentile interval of the others."""
    if np.isnan(values[0]):
        return {"value": None, "low": None, "high": None}
    low, high = np.nanquantile(values[1:], [0.025, 0.975])
    return {"value": round(float(values[0]), 4), "low": round(float(low), 4), "high": round(float(high), 4)}
