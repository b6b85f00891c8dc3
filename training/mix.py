"""The label mix of articles: they hold more neutral sentences than the corpus, so certainty reads otherwise there.

``data/article-mix.jsonl`` counts the labels of thirty whole articles, ten a language, each sentence labelled by two
readers who saw no model's answer, their disputes by a third.
"""

import json
from collections import Counter

import numpy as np
import pandas as pd

from models.axes import Axis
from training.corpus import DATA

MIX = DATA / "article-mix.jsonl"


def article_weights(axis: Axis, labels: np.ndarray) -> np.ndarray | None:
    """Return a weight a row under which the labels are as frequent as in articles; None where nobody counted them."""
    counts: Counter[str] = Counter()
    for line in MIX.read_text(encoding="utf-8").splitlines():
        counts.update(json.loads(line).get(axis.name, {}))
    if set(counts) != set(axis.labels):
        return None
    own = Counter(labels.tolist())
    total = sum(counts.values())
    return np.array([counts[label] / total / (own[label] / len(labels)) for label in labels.tolist()])


def in_articles(
    rows: pd.DataFrame, axis: Axis, probabilities: np.ndarray, threshold: float | None
) -> dict[str, float] | None:
    """Return coverage and accuracy of certain answers, rows weighted so that labels are as frequent as in articles.

    None where nobody counted the labels of the axis.
    """
    labelled = rows[axis.name].notna().to_numpy()
    labels = rows.loc[labelled, axis.name].to_numpy(dtype=str)
    weights = article_weights(axis, labels)
    if weights is None or threshold is None:
        return None
    found = probabilities[labelled]
    certain = found.max(axis=1) >= threshold
    right = np.array(axis.labels)[found.argmax(axis=1)] == labels
    answered = (weights * certain).sum()
    return {
        "threshold": round(threshold, 4),
        "coverage": round(float(answered / weights.sum()), 4),
        "accuracy": round(float((weights * certain * right).sum() / answered), 4) if answered else 0.0,
    }
