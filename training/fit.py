"""Fit a model on a corpus: features, one calibrated head an axis, thresholds, figures on the exam."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from joblib import parallel_config
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.metrics import log_loss
from sklearn.model_selection import cross_val_predict
from threadpoolctl import threadpool_limits

from models.axes import Axis
from models.bundle import new_version
from models.drift import Reference
from models.errors import TrainingError
from models.golden import GOLDEN_MARGIN
from models.heads import FOLDS, Heads, fit_head, folds, linear
from models.manifest import EncoderRecord, Facts
from models.stance import StanceModel
from training import behaviour
from training.corpus import Corpus, last_feedback
from training.evaluate import Mistake, mistakes
from training.faithful import faithfulness
from training.ground import Ground
from training.metrics import measure
from training.mix import article_weights, in_articles

SELECTIVE_ACCURACY = 0.90
"""Accuracy that answers are to have where the model does not abstain."""
EVEN = 0.5
"""Confidence under which an answer is likelier wrong than right, and so never certain."""
GOLDEN_TEXTS = 8
"""Golden texts a language."""


@dataclass(frozen=True, slots=True)
class Fit:
    """Hold a fitted model, what is known of it, its golden texts and the parameters chosen for it.

    ``encoder`` tells how the encoder was made that it stands on, ``mistakes`` its wrong answers on the exam, and
    ``reference`` what the exam looks like to it.
    """

    model: StanceModel
    facts: Facts
    golden: tuple[str, ...]
    parameters: Mapping[str, float]
    encoder: EncoderRecord | None
    mistakes: tuple[Mistake, ...]
    reference: Reference


@dataclass(frozen=True, slots=True)
class _Axis:
    """Hold what was fitted for an axis.

    ``article_threshold`` is the threshold over the label mix of whole articles, None where that is not known.
    """

    head: CalibratedClassifierCV
    threshold: float
    article_threshold: float | None
    strength: float


def fit(
    corpus: Corpus,
    ground: Callable[[Corpus], Ground],
    mlflow_run_id: str | None,
    accuracy: float = SELECTIVE_ACCURACY,
) -> Fit:
    """Fit a model on the parts of a corpus that are not examined, showing progress.

    Thresholds are set so that the share ``accuracy`` of the certain answers is right on rows that were not learnt from.

    Raises:
        TrainingError: an axis has a label with too few groups to cross-validate, or no row to be examined on.
    """
    stand = ground(corpus)
    train, exam = stand.train, stand.exam
    _enough(train, exam, corpus.axes)
    with _progress() as progress:
        task = progress.add_task("", total=len(corpus.axes) * (len(stand.strengths) + 2) + 1)

        def step(what: str) -> None:
            progress.update(task, description=what, advance=1)

        # Products of some thousand rows are done before a second thread has its share; whole folds are worth one.
        with threadpool_limits(1), parallel_config(stand.backend, n_jobs=-1):
            fitted = {axis.name: _fit_axis(stand, axis, accuracy, step) for axis in corpus.axes}
        estimators = {name: axis.head for name, axis in fitted.items()}
        arrays = {axis.name: linear(estimators[axis.name], axis) for axis in corpus.axes} if stand.encoder else None
        heads = Heads(stand.transformer, estimators, arrays)
        model = StanceModel(
            new_version(heads),
            corpus.axes,
            tuple(sorted(train["lang"].unique())),
            {name: axis.threshold for name, axis in fitted.items()},
            heads,
        )
        probabilities = heads.answers(stand.exam_vectors, corpus.axes)
        step("n-grams on the exam")
        beside = stand.baseline() if stand.baseline else {}
        metrics = {}
        for axis in corpus.axes:
            step(f"{axis.name}: exam")
            found, own = probabilities[axis.name], fitted[axis.name]
            metrics[axis.name] = measure(exam, axis, found, own.threshold, corpus.axes, beside.get(axis.name))
            metrics[axis.name]["articles"] = in_articles(exam, axis, found, own.article_threshold)
    facts = Facts(
        features=stand.features,
        corpus=corpus.record,
        texts=stand.texts,
        metrics=metrics,
        behaviour=behaviour.rates(behaviour.run(model, behaviour.read_templates(), stand.vectors_of)),
        faithfulness=faithfulness(model, exam, stand.vectors_of),
        mlflow_run_id=mlflow_run_id,
        last_feedback=last_feedback(train),
    )
    surest = mistakes(exam, corpus.axes, probabilities)
    parameters = {"selective_accuracy": accuracy} | {f"{name}_C": axis.strength for name, axis in fitted.items()}
    golden = _golden(exam, corpus.axes, probabilities)
    return Fit(model, facts, golden, parameters, stand.encoder, surest, _reference(exam, stand, model, probabilities))


def _reference(
    exam: pd.DataFrame, stand: Ground, model: StanceModel, probabilities: Mapping[str, np.ndarray]
) -> Reference:
    texts = exam["text"].tolist()
    unknown = stand.transformer.unknown(texts) if stand.encoder else None
    # The corpus names the language of every row; what tells languages apart would take a second to load.
    return Reference.of(texts, model.predictions(texts, probabilities, unknown, exam["lang"].tolist()))


def _progress() -> Progress:
    return Progress(BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))


def _enough(train: pd.DataFrame, exam: pd.DataFrame, axes: tuple[Axis, ...]) -> None:
    if not axes:
        raise TrainingError("the corpus has no labelled row on any declared axis (data/axes.toml)")
    usual = train[train["provenance"] != "corrected"]
    for axis in axes:
        for label in axis.labels:
            groups = usual.loc[usual[axis.name] == label, "group"].nunique()
            if groups < FOLDS:
                raise TrainingError(
                    f"axis {axis.name}: {groups} groups of statements are labelled {label!r} outside the exam, "
                    f"at least {FOLDS} are needed; label more, or take the label out of data/axes.toml"
                )
        if exam[axis.name].isna().all():
            raise TrainingError(
                f"axis {axis.name}: no labelled row falls into the exam, so nothing can be measured; label more groups"
            )


def _fit_axis(ground: Ground, axis: Axis, accuracy: float, step: Callable[[str], None]) -> _Axis:
    """Fit the calibrated head of an axis, its thresholds and its strength of regularisation.

    Corrected rows train the classifier but weigh nothing in the calibration, the search and the threshold: people
    correct what is hard, and confidence fitted on it would be too low everywhere else.
    """
    rows = ground.train
    labelled = rows[axis.name].notna().to_numpy()
    X, y = ground.vectors[labelled], rows.loc[labelled, axis.name].to_numpy(dtype=str)  # noqa: N806
    groups = rows.loc[labelled, "group"].to_numpy()
    usual = (rows.loc[labelled, "provenance"] != "corrected").to_numpy()
    splits = list(folds().split(X, y, groups))
    logits, losses = {}, {}
    for strength in ground.strengths:
        step(f"{axis.name}: search, C = {strength:g}")
        logits[strength] = cross_val_predict(
            ground.classifier(axis, strength), X, y, cv=splits, method="decision_function"
        )
        losses[strength] = log_loss(y[usual], _softmax(logits[strength])[usual], labels=sorted(set(y)))
    best = min(losses, key=losses.__getitem__)
    step(f"{axis.name}: calibration")
    head = fit_head(X, y, splits, usual, ground.classifier(axis, best))
    held_out = head.calibrated_classifiers_[0].calibrators[0].predict(logits[best])
    right = held_out.argmax(axis=1) == np.searchsorted(head.classes_, y)
    confidence = held_out.max(axis=1)[usual]
    weights = article_weights(axis, y[usual])
    in_articles = None if weights is None else threshold(confidence, right[usual], accuracy, weights)
    return _Axis(head, threshold(confidence, right[usual], accuracy), in_articles, best)


def _softmax(logits: np.ndarray) -> np.ndarray:
    logits = logits if logits.ndim == 2 else np.column_stack([-logits / 2, logits / 2])
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def threshold(
    confidence: np.ndarray,
    right: np.ndarray,
    accuracy: float = SELECTIVE_ACCURACY,
    weights: np.ndarray | None = None,
) -> float:
    """Return the lowest confidence from ``EVEN`` on that keeps answers right often enough; 1 where none does."""
    order = np.argsort(-confidence, kind="stable")
    weights = np.ones(len(right)) if weights is None else weights
    selective = np.cumsum((right * weights)[order]) / np.cumsum(weights[order])
    enough = np.flatnonzero(selective >= accuracy)
    return max(EVEN, float(confidence[order][enough[-1]])) if enough.size else 1.0


def _golden(exam: pd.DataFrame, axes: tuple[Axis, ...], probabilities: Mapping[str, np.ndarray]) -> tuple[str, ...]:
    """Return texts of every language on which no axis is close to a tie."""
    clear = np.ones(len(exam), dtype=bool)
    for axis in axes:
        ranked = np.sort(probabilities[axis.name], axis=1)
        clear &= ranked[:, -1] - ranked[:, -2] >= GOLDEN_MARGIN
    if not clear.any():
        raise TrainingError("no exam row is answered clearly enough to test a bundle by; label more, or more alike")
    rows = exam[clear].sort_values("digest")
    return tuple(rows.groupby("lang").head(GOLDEN_TEXTS)["text"])
