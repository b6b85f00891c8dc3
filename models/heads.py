"""Vectors to calibrated probabilities per axis: the scikit-learn estimators of a model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from models.axes import Axis
from models.text import normalise

FOLDS = 5
SEED = 0


def ngram_features() -> FeatureUnion:
    """Make the unfitted vectoriser that all axes share: word and character n-grams, rare ones dropped.

    Features of fewer than three statements carry three quarters of the size and nothing measurable of the accuracy.
    """
    words = TfidfVectorizer(
        preprocessor=_prepare,
        ngram_range=(1, 2),
        token_pattern=r"(?u)\b\w[\w'-]*",  # noqa: S106 (no password)
        min_df=3,
        sublinear_tf=True,
        dtype=np.float32,
    )
    characters = TfidfVectorizer(
        preprocessor=_prepare, analyzer="char_wb", ngram_range=(2, 5), min_df=3, sublinear_tf=True, dtype=np.float32
    )
    return FeatureUnion([("words", words), ("characters", characters)])


def _prepare(text: str) -> str:
    return normalise(text).lower()


def classifier(C: float) -> LogisticRegression:  # noqa: N803 (scikit-learn's name)
    """Make the unfitted linear classifier of one axis.

    It has no class weights: the unpenalised intercepts then keep the mean probability of each class at its frequency,
    which a temperature, having no bias per class, could not mend afterwards. Newton's method takes a tenth of the time
    of the default here, for there are many more features than statements.
    """
    return LogisticRegression(C=C, solver="newton-cg")


def vector_classifier(C: float, width: int | None = None) -> Pipeline:  # noqa: N803
    """Make the unfitted classifier of one axis over an encoder's vectors, or over the first ``width`` of their numbers.

    They are centred, for vectors share a large mean.
    """
    columns = ColumnTransformer([("columns", "passthrough", slice(0, width))])
    return make_pipeline(columns, StandardScaler(with_std=False), classifier(C))


def folds() -> StratifiedGroupKFold:
    """Make the cross-validation of every fit: stratified by label, groups kept whole."""
    return StratifiedGroupKFold(FOLDS, shuffle=True, random_state=SEED)


def fit_head(
    vectors: Any,
    labels: np.ndarray,
    splits: Sequence[tuple[np.ndarray, np.ndarray]],
    usual: np.ndarray,
    unfitted: LogisticRegression | Pipeline,
) -> CalibratedClassifierCV:
    """Fit the head of one axis: a classifier on all rows, its temperature on out-of-fold logits of the usual ones.

    Rows that are not ``usual`` weigh nothing in the calibration. The splits come ready made, for with
    ``ensemble=False`` scikit-learn does not hand groups on to a splitter.
    """
    with sklearn.config_context(enable_metadata_routing=True):
        # Of a pipeline the last two could take weights; what chooses columns could not.
        for step in unfitted[-2:] if isinstance(unfitted, Pipeline) else [unfitted]:
            step.set_fit_request(sample_weight=False)
        head = CalibratedClassifierCV(unfitted, method="temperature", cv=splits, ensemble=False)
        head.fit(vectors, labels, sample_weight=usual.astype(float))
    return head.set_params(cv=FOLDS)  # the row numbers of the splits have no place in a bundle


@dataclass(frozen=True, slots=True)
class Linear:
    """Hold the arithmetic of a calibrated head over vectors: logits are ``(x - centre) @ weights.T + bias``.

    ``weights`` is (labels, width) and ``bias`` (labels), in the order of the axis's labels and with the temperature in
    them; ``centre`` is (width).
    """

    centre: np.ndarray
    weights: np.ndarray
    bias: np.ndarray

    def logits(self, vectors: np.ndarray) -> np.ndarray:
        """Return the calibrated logits of vectors, (texts, labels)."""
        return np.asarray((vectors - self.centre) @ self.weights.T + self.bias)

    def probabilities(self, vectors: np.ndarray) -> np.ndarray:
        """Return the calibrated probabilities of vectors, (texts, labels)."""
        logits = self.logits(vectors)
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def linear(head: CalibratedClassifierCV, axis: Axis) -> Linear:
    """Take the arrays out of a fitted head whose classifier is that of ``vector_classifier``.

    Numbers of the vectors that the classifier does not look at weigh nought.
    """
    calibrated = head.calibrated_classifiers_[0]
    scaler, logistic = calibrated.estimator[-2], calibrated.estimator[-1]
    unused = calibrated.estimator.n_features_in_ - len(scaler.mean_)
    centre = np.pad(scaler.mean_, (0, unused))
    weights, bias = np.pad(logistic.coef_, ((0, 0), (0, unused))), logistic.intercept_
    if len(weights) == 1:  # of two labels scikit-learn keeps one row
        weights, bias = np.vstack([-weights, weights]), np.concatenate([-bias, bias])
    order = [list(head.classes_).index(label) for label in axis.labels]
    sharpness = float(calibrated.calibrators[0].beta_)
    return Linear(centre, weights[order].astype(float) * sharpness, bias[order].astype(float) * sharpness)


@dataclass(frozen=True, slots=True)
class Heads:
    """Hold a fitted transformer of texts and, per axis, the fitted classifier over its vectors.

    ``arrays``, where the vectors are an encoder's, are the same heads as plain arithmetic: scikit-learn's bookkeeping
    around one answer costs ten times the answer.
    """

    features: Any
    estimators: Mapping[str, Any]
    arrays: Mapping[str, Linear] | None = None

    def probabilities(self, texts: Sequence[str], axes: Sequence[Axis]) -> dict[str, np.ndarray]:
        """Return per axis an array (texts, labels), its columns in the order of the axis's labels."""
        if not texts:
            return {axis.name: np.empty((0, len(axis.labels))) for axis in axes}
        return self.answers(self.features.transform(texts), axes)

    def answers(self, vectors: Any, axes: Sequence[Axis]) -> dict[str, np.ndarray]:
        """Return per axis an array (texts, labels) for vectors of the features."""
        if self.arrays is None:
            return {axis.name: _ordered(self.estimators[axis.name], vectors, axis) for axis in axes}
        return {axis.name: self.arrays[axis.name].probabilities(vectors) for axis in axes}


def _ordered(estimator: Any, vectors: Any, axis: Axis) -> np.ndarray:
    classes = list(estimator.classes_)
    if sorted(classes) != sorted(axis.labels):
        raise ValueError(f"the head of axis {axis.name} knows the labels {classes}")
    return np.asarray(estimator.predict_proba(vectors)[:, [classes.index(label) for label in axis.labels]])
