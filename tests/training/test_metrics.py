import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, f1_score

from models.axes import Axis
from training.metrics import calibration_error, draws, f1, measure, reliability

AXIS = Axis(name="tone", labels=("warm", "cold", "mild"), neutral="mild", description="How warm.")


def sample(n: int, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.ones(3), n)
    rows = pd.DataFrame(
        {
            "tone": [AXIS.labels[random.choice(3, p=p)] for p in probabilities],
            "group": random.integers(0, n // 2, n).astype(str),
            "lang": random.choice(["ru", "uk"], n),
            "provenance": random.choice(["grounded", None], n),
            "kind": random.choice(["agency", "post"], n),
            "trait": random.choice(["threat", None], n),
            "text": ["x" * int(length) for length in random.integers(10, 400, n)],
        }
    )
    return rows, probabilities


def test_figures_are_those_of_scikit_learn() -> None:
    rows, probabilities = sample(300)
    predicted = [AXIS.labels[k] for k in probabilities.argmax(axis=1)]
    figures = measure(rows, AXIS, probabilities, 0.5)["all"]
    expected = f1_score(rows["tone"], predicted, average="macro")
    assert figures["macro_f1"]["value"] == pytest.approx(expected, abs=1e-4)
    assert figures["confusion"]["counts"] == confusion_matrix(rows["tone"], predicted, labels=AXIS.labels).tolist()
    share = rows["tone"].value_counts(normalize=True).iloc[0]
    majority = measure(rows, AXIS, probabilities, 0.5)["majority"]
    assert majority["accuracy"] == pytest.approx(share, abs=1e-4)
    always = f1_score(rows["tone"], [majority["label"]] * 300, average="macro")
    assert majority["macro_f1"] == pytest.approx(always, abs=1e-4)
    constant = measure(rows, AXIS, probabilities, 0.5, ngrams=np.full(300, AXIS.labels.index(majority["label"])))
    assert constant["all"]["ngrams"] == majority["macro_f1"]
    for by in (constant["language"], constant["slices"]["kind"]):
        assert all(figures["ngrams"] < 0.4 for figures in by.values() if figures["rows"] > 20)
    for label, value in zip(
        AXIS.labels, f1_score(rows["tone"], predicted, labels=AXIS.labels, average=None), strict=True
    ):
        assert figures["f1"][label]["value"] == pytest.approx(value, abs=1e-4)


def test_intervals_hold_the_value_and_narrow_with_more_groups() -> None:
    widths = []
    for n in (100, 1600):
        figure = measure(*reordered(sample(n)), 0.5)["all"]["macro_f1"]
        assert figure["low"] <= figure["value"] <= figure["high"]
        widths.append(figure["high"] - figure["low"])
    assert widths[1] < widths[0] / 2


def reordered(pair: tuple[pd.DataFrame, np.ndarray]) -> tuple[pd.DataFrame, Axis, np.ndarray]:
    return pair[0], AXIS, pair[1]


def test_rows_of_a_group_are_drawn_together() -> None:
    weights = draws(["a", "b", "a", "c", "b"])
    assert (weights[0] == 1).all()
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, 1] == weights[:, 4]).all()
    assert (weights[1:, [0, 1, 3]].sum(axis=1) == 3).all()


def test_every_language_and_provenance_is_measured_apart_and_unlabelled_rows_are_passed_over() -> None:
    rows, probabilities = sample(200)
    rows.loc[:49, "tone"] = None
    figures = measure(rows, AXIS, probabilities, 0.5)
    assert figures["all"]["rows"] == 150
    assert sum(figures["language"][lang]["rows"] for lang in ("ru", "uk")) == 150
    assert set(figures["provenance"]) == {"grounded"}


def test_selective_figures_count_the_answers_that_are_confident_enough() -> None:
    rows, probabilities = sample(400)
    true = np.array([AXIS.labels.index(label) for label in rows["tone"]])
    figures = measure(rows, AXIS, probabilities, 0.6)
    certain = probabilities.max(axis=1) >= 0.6
    assert figures["selective"]["all"]["coverage"]["value"] == pytest.approx(certain.mean(), abs=1e-4)
    right = (probabilities.argmax(axis=1) == true)[certain].mean()
    assert figures["selective"]["all"]["accuracy"]["value"] == pytest.approx(right, abs=1e-4)
    assert figures["selective"].keys() == {"all", "ru", "uk"}
    curve = figures["risk_coverage"]
    assert [point["coverage"] for point in curve] == [k / 10 for k in range(1, 11)]
    assert curve[-1]["accuracy"] == pytest.approx(figures["all"]["accuracy"]["value"], abs=1e-4)
    assert curve[0]["accuracy"] > curve[-1]["accuracy"]
    assert measure(rows, AXIS, probabilities, 1.1)["selective"]["all"]["accuracy"]["value"] is None


def test_slices_by_kind_trait_length_and_labels_hold_every_row_once() -> None:
    rows, probabilities = sample(300)
    slices = measure(rows, AXIS, probabilities, 0.5)["slices"]
    assert set(slices["trait"]) == {"threat"}
    for slicing in ("kind", "length", "labels"):
        assert sum(figures["rows"] for figures in slices[slicing].values()) == 300
    predicted = np.array([AXIS.labels[k] for k in probabilities.argmax(axis=1)])
    posts = (rows["kind"] == "post").to_numpy()
    figures = slices["kind"]["post"]
    assert figures["accuracy"]["value"] == pytest.approx((predicted == rows["tone"])[posts].mean(), abs=1e-4)
    expected = f1_score(rows["tone"][posts], predicted[posts], average="macro")
    assert figures["macro_f1"]["value"] == pytest.approx(expected, abs=1e-4)
    assert slices["labels"]["warm"]["macro_f1"]["low"] <= slices["labels"]["warm"]["macro_f1"]["high"]


def test_an_honest_classifier_is_calibrated_and_a_boastful_one_is_not() -> None:
    rows, probabilities = sample(4000)
    true = np.array([AXIS.labels.index(label) for label in rows["tone"]])
    ones = np.ones((1, 4000))
    boastful = np.eye(3)[probabilities.argmax(axis=1)] * 0.97 + 0.01
    assert calibration_error(true, probabilities, ones)[0] < 0.03
    assert calibration_error(true, boastful, ones)[0] > 0.25
    for part in reliability(true, probabilities):
        assert part["confidence"] == pytest.approx(part["accuracy"], abs=0.08)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.integers(0, 9), min_size=3, max_size=3), min_size=3, max_size=3))
def test_f1_is_between_nought_and_one_or_undefined(matrix: list[list[int]]) -> None:
    found = f1(np.array(matrix, dtype=float))
    assert ((found >= 0) & (found <= 1) | np.isnan(found)).all()


def test_a_label_that_nobody_gives_or_has_is_not_measured() -> None:
    rows, _ = sample(40)
    rows["tone"] = "warm"
    figures = measure(rows, AXIS, np.tile([0.9, 0.05, 0.05], (40, 1)), 0.5)["all"]
    assert figures["f1"]["cold"] == {"value": None, "low": None, "high": None}
    assert figures["macro_f1"]["value"] == 1
