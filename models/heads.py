"""Vectors to calibrated probabilities per axis: the scikit-learn estimators of a model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import FeatureUnion

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


def folds() -> StratifiedGroupKFold:
    """Make the cross-validation of every fit: stratified by label, groups kept whole."""
    return StratifiedGroupKFold(FOLDS, shuffle=True, random_state=SEED)


def fit_head(
    vectors: Any,
    labels: np.ndarray,
    splits: Sequence[tuple[np.ndarray, np.ndarray]],
    usual: np.ndarray,
    C: float,  # noqa: N803
) -> CalibratedClassifierCV:
    """Fit the head of one axis: a classifier on all rows, its temperature on out-of-fold logits of the usual ones.

    Rows that are not ``usual`` weigh nothing in the calibration. The splits come ready made, for with
    ``ensemble=False`` scikit-learn does not hand groups on to a splitter.
    """
    with sklearn.config_context(enable_metadata_routing=True):
        unweighted = classifier(C).set_fit_request(sample_weight=False)
        head = CalibratedClassifierCV(unweighted, method="temperature", cv=splits, n_jobs=-1, ensemble=False)
        head.fit(vectors, labels, sample_weight=usual.astype(float))
    return head.set_params(cv=FOLDS)  # the row numbers of the splits have no place in a bundle


@dataclass(frozen=True, slots=True)
class Heads:
    """Hold a fitted transformer of texts and, per axis, the fitted classifier over its vectors."""

    features: Any
    estimators: Mapping[str, Any]

    def probabilities(self, texts: Sequence[str], axes: Sequence[Axis]) -> dict[str, np.ndarray]:
        """Return per axis an array (texts, labels), its columns in the order of the axis's labels."""
        if not texts:
            return {axis.name: np.empty((0, len(axis.labels))) for axis in axes}
        vectors = self.features.transform(texts)
        return {axis.name: _ordered(self.estimators[axis.name], vectors, axis) for axis in axes}


def _ordered(estimator: Any, vectors: Any, axis: Axis) -> np.ndarray:
    classes = list(estimator.classes_)
    if sorted(classes) != sorted(axis.labels):
        raise ValueError(f"the head of axis {axis.name} knows the labels {classes}")
    return np.asarray(estimator.predict_proba(vectors)[:, [classes.index(label) for label in axis.labels]])
