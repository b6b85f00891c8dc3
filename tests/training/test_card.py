"""The model card: its figures are those of the manifest, and its diagrams show them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.bundle import Bundle
from training.card import MARKS, OVER, REST, RIGHT, RISK, UNDER, WRONG, _no_better, _reliable, _table
from training.ground import encoder_record

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


def test_the_card_says_where_explanations_are_no_better_than_chance() -> None:
    good = {"deletion": 0.3, "deletion_random": 0.1, "insertion": 0.1, "insertion_random": 0.3}
    assert _no_better({"troops": good}) == ""
    told = _no_better({"troops": good | {"insertion": 0.4}, "outlook": good | {"deletion": 0.1}})
    assert told == " No better than words at random: insertion on troops, deletion on outlook."


def test_a_line_of_a_table_is_one_line_whatever_a_statement_holds() -> None:
    lines = _table(["text"], [["one\ntwo | three\r\n\u2028 four"]]).splitlines()
    assert lines == ["| text |", "| --- |", "| one two \\| three four |"]


def test_the_card_names_what_the_model_is_made_of_and_what_it_is_bad_at(bundle: Bundle) -> None:
    record, manifest = encoder_record(bundle.path), bundle.manifest
    for told in (
        f"# stance {manifest.version}",
        f"fine-tuned from {record.base} (licence {record.licence})",
        f"{record.held_out_rows:,} rows of groups that it never saw",
        f"The corpus has {manifest.corpus.rows:,} statements (CC BY 4.0, digest `{manifest.corpus.digest[:16]}`)",
        "published between 2022 and 2026",
        *(f"| {axis} | {lang} | " for axis in manifest.metrics for lang in manifest.languages),
    ):
        assert told in bundle.card
    weak, surest = bundle.card.split("## What it is bad at")[1].split("## Use")[0].split("\n\n")[2::2]
    assert len(weak.splitlines()) > 4
    for example in surest.splitlines()[2:]:
        axis, label, answer, confidence, _ = example.strip("| ").split(" | ", 4)
        assert {label, answer} <= {*next(known.labels for known in manifest.axes if known.name == axis)}
        assert label != answer
        assert float(confidence) > 0.5
