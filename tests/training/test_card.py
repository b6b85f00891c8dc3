"""The model card: its figures are those of the manifest, and its diagrams show them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.bundle import Bundle
from training.card import MARKS, OVER, REST, RIGHT, RISK, UNDER, WRONG, _reliable

shares = st.floats(min_value=0.0, max_value=1.0)


@given(shares, shares)
def test_a_line_of_a_reliability_diagram_is_as_long_as_what_was_promised_and_what_held(
    confidence: float, accuracy: float
) -> None:
    marks = _reliable(confidence, accuracy).strip("`")
    assert len(marks) == MARKS
    assert marks == "".join(sorted(marks, key=(RIGHT, OVER, UNDER, REST).index))
    assert marks.count(RIGHT) + marks.count(UNDER) == pytest.approx(accuracy * MARKS, abs=0.5)
    assert marks.count(RIGHT) + marks.count(OVER) == pytest.approx(confidence * MARKS, abs=0.5)


def test_both_diagrams_of_every_axis_stand_in_the_card(ngram_bundle: Bundle) -> None:
    for axis, measured in ngram_bundle.manifest.metrics.items():
        reliability, risk = (
            ngram_bundle.card.split(f"{what} of {axis}, ")[1].split("\n\n")[1].splitlines()[2:]
            for what in ("Reliability", "Risk and coverage")
        )
        for line, found in zip(reliability, measured["reliability"], strict=True):
            assert line.startswith(f"| {found['confidence']:.2f} | {found['accuracy']:.2f} | `")
        for line, point in zip(risk, measured["risk_coverage"], strict=True):
            assert line.startswith(f"| {point['coverage']:.0%} | {point['accuracy']:.2f} |")
            assert line.count(WRONG) == pytest.approx((1 - point["accuracy"]) / RISK, abs=0.5)
