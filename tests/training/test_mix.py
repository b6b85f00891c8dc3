import json

import numpy as np
import pandas as pd
import pytest

from models.axes import Axis, read_axes
from training.corpus import AXES, LANGUAGES
from training.mix import MIX, article_weights, in_articles

TROOPS = read_axes(AXES)[0]


def test_ten_articles_a_language_are_counted_whole() -> None:
    articles = [json.loads(line) for line in MIX.read_text(encoding="utf-8").splitlines()]
    for language in LANGUAGES:
        assert len([article for article in articles if article["lang"] == language]) == 10
    for article in articles:
        for axis in read_axes(AXES):
            assert article[axis.name].keys() == set(axis.labels)
            assert sum(article[axis.name].values()) == article["statements"]


def test_weighted_labels_are_as_frequent_as_in_articles() -> None:
    labels = np.array(["pro"] * 30 + ["anti"] * 30 + ["neutral"] * 40)
    weights = article_weights(TROOPS, labels)
    assert weights is not None
    assert weights.sum() == pytest.approx(100)
    assert weights[labels == "neutral"].sum() > 80


def test_an_axis_that_nobody_counted_is_not_weighted() -> None:
    axis = Axis(name="quoting", labels=("yes", "no"), neutral="no", description="Whether the text quotes.")
    assert article_weights(axis, np.array(["yes", "no"])) is None
    rows = pd.DataFrame({"quoting": ["yes", "no"]})
    assert in_articles(rows, axis, np.eye(2), 0.5) is None


def test_certain_answers_are_counted_by_weight() -> None:
    rows = pd.DataFrame({"troops": ["pro", "anti", "neutral", "neutral", None]})
    probabilities = np.array([[0.9, 0.05, 0.05], [0.9, 0.05, 0.05], [0.1, 0.1, 0.8], [0.3, 0.3, 0.4], [1, 0, 0]])
    found = in_articles(rows, TROOPS, probabilities, 0.7)
    assert found is not None
    weights = article_weights(TROOPS, np.array(["pro", "anti", "neutral", "neutral"]))
    assert weights is not None
    assert found["coverage"] == pytest.approx(weights[:3].sum() / weights.sum(), abs=1e-4)
    assert found["accuracy"] == pytest.approx((weights[0] + weights[2]) / weights[:3].sum(), abs=1e-4)
