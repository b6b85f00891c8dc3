"""A bundle on labelled rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from models.axes import Axis
from models.bundle import Bundle
from models.errors import TrainingError
from training.corpus import Corpus
from training.metrics import Comparison, difference, measure

WORST = 30
"""Errors that are listed for reading."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """Hold a row that was answered wrongly, and how sure the model was of it."""

    confidence: float
    axis: str
    label: str
    answer: str
    text: str


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Hold what was measured: figures an axis, texts that the bundle had learnt from, and its surest errors.

    ``compared`` is the difference to another bundle where one was named, ``other_seen`` the texts that it had learnt
    from.
    """

    axes: tuple[Axis, ...]
    metrics: dict[str, Any]
    seen: int
    mistakes: tuple[Mistake, ...]
    compared: Mapping[str, Comparison]
    other_seen: int


def evaluate(
    bundle: Bundle, corpus: Corpus, other: Bundle | None = None, ngrams: Mapping[str, np.ndarray] | None = None
) -> Evaluation:
    """Score labelled rows with a bundle, and hold it against another one on the same rows.

    ``ngrams`` are the answers of the baseline per axis, places of labels beside the rows.

    Raises:
        TrainingError: no row is labelled on an axis of the bundle.
    """
    rows = corpus.frame
    labelled = {(axis.name, axis.labels) for axis in corpus.axes}
    axes = tuple(axis for axis in bundle.model.axes if (axis.name, axis.labels) in labelled)
    if not axes:
        names = ", ".join(axis.name for axis in bundle.model.axes)
        raise TrainingError(f"no row is labelled on an axis that {bundle.manifest.version} knows ({names})")
    texts = rows["text"].tolist()
    probabilities = bundle.model.heads.probabilities(texts, axes)
    thresholds = bundle.model.thresholds
    beside = ngrams or {}
    metrics = {
        axis.name: measure(rows, axis, probabilities[axis.name], thresholds[axis.name], axes, beside.get(axis.name))
        for axis in axes
    }
    compared = {}
    theirs = {axis.name: axis.labels for axis in other.model.axes} if other else {}
    shared = [axis for axis in axes if theirs.get(axis.name) == axis.labels]
    answers = other.model.heads.probabilities(texts, shared) if other else {}
    for axis in shared:
        known = rows[axis.name].notna().to_numpy()
        pair = (found[axis.name][known].argmax(axis=1) for found in (probabilities, answers))
        compared[axis.name] = difference(rows[known], axis, *pair)
    seen, other_seen = (int(rows["digest"].isin(b.manifest.learnt).sum()) if b else 0 for b in (bundle, other))
    return Evaluation(axes, metrics, seen, mistakes(rows, axes, probabilities)[:WORST], compared, other_seen)


def mistakes(rows: pd.DataFrame, axes: Sequence[Axis], probabilities: Mapping[str, np.ndarray]) -> tuple[Mistake, ...]:
    """Return every wrong answer, the surest first."""
    found = []
    for axis in axes:
        answered = probabilities[axis.name]
        places, confidences = answered.argmax(axis=1).tolist(), answered.max(axis=1).tolist()
        for label, text, place, confidence in zip(rows[axis.name], rows["text"], places, confidences, strict=True):
            if label is not None and axis.labels[place] != label:
                found.append(Mistake(confidence, axis.name, label, axis.labels[place], text))
    return tuple(sorted(found, key=lambda mistake: -mistake.confidence))
