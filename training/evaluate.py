"""A bundle on labelled rows."""

from typing import Any

from models.axes import Axis
from models.bundle import Bundle
from models.errors import TrainingError
from training.corpus import Corpus
from training.metrics import measure


def evaluate(bundle: Bundle, corpus: Corpus) -> tuple[tuple[Axis, ...], dict[str, Any], int]:
    """Return the axes that could be measured, their figures, and how many of the texts the bundle was trained on.

    Raises:
        TrainingError: no row is labelled on an axis of the bundle.
    """
    rows = corpus.frame
    labelled = {(axis.name, axis.labels) for axis in corpus.axes}
    axes = tuple(axis for axis in bundle.model.axes if (axis.name, axis.labels) in labelled)
    if not axes:
        names = ", ".join(axis.name for axis in bundle.model.axes)
        raise TrainingError(f"no row is labelled on an axis that {bundle.manifest.version} knows ({names})")
    probabilities = bundle.model.heads.probabilities(rows["text"].tolist(), axes)
    metrics = {
        axis.name: measure(rows, axis, probabilities[axis.name], bundle.model.thresholds[axis.name], axes)
        for axis in axes
    }
    return axes, metrics, int(rows["digest"].isin(bundle.manifest.learnt).sum())
