import json
from collections import Counter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from models.axes import read_axes
from models.text import digest
from service.corrections import agreement, corpus_lines
from service.storage.store import Correction
from training.corpus import AXES, read_corpus

DECLARED = read_axes(AXES)
TEXTS = ["Soldiers stay at home, he said.", "The talks resume on Friday.", "A deal is near, she is sure."]


def said(number: int, text: str, annotator: str, **labels: str) -> Correction:
    return Correction(number, digest(text), text, "en", annotator, labels)


def test_most_annotators_decide_and_a_tie_is_left_out_and_counted() -> None:
    given = [
        said(1, TEXTS[0], "anna", troops="anti", outlook="neutral"),
        said(2, TEXTS[0], "borys", troops="anti", outlook="skeptical"),
        said(3, TEXTS[0], "carla", troops="pro"),
        said(4, TEXTS[1], "anna", troops="pro"),
        said(5, TEXTS[1], "borys", troops="anti"),
    ]
    rows, left_out = corpus_lines(DECLARED, given)
    assert rows == [
        {
            "id": "feedback-3",
            "lang": "en",
            "text": TEXTS[0],
            "troops": "anti",
            "provenance": "corrected",
            "group": digest(TEXTS[0]),
        }
    ]
    assert left_out == 2
    found = agreement(DECLARED, given, {digest(TEXTS[0]): {"troops": "pro", "outlook": "neutral"}})
    assert (found["troops"].pairs, found["troops"].agreed, found["troops"].conflicts) == (4, 1, 1)
    assert (found["troops"].predicted, found["troops"].as_predicted) == (1, 0)
    assert (found["outlook"].pairs, found["outlook"].agreed, found["outlook"].conflicts) == (1, 0, 1)
    assert found["outlook"].predicted == 0


def test_an_annotator_has_one_voice_and_his_last_word_counts() -> None:
    given = [said(n, TEXTS[0], "anna", troops="pro") for n in (1, 2, 3)]
    given += [said(4, TEXTS[0], "borys", troops="anti"), said(5, TEXTS[0], "anna", troops="anti")]
    [row], left_out = corpus_lines(DECLARED, given)
    assert (row["id"], row["troops"], left_out) == ("feedback-5", "anti", 0)


def test_labels_of_axes_that_are_no_more_are_left_out() -> None:
    assert corpus_lines(
        DECLARED, [said(1, TEXTS[0], "anna", weather="fair"), said(2, TEXTS[1], "", troops="rain")]
    ) == (
        [],
        0,
    )


Drawn = tuple[str, str, dict[str, str]]
CORRECTIONS = st.lists(
    st.builds(
        lambda text, annotator, troops, outlook: (
            text,
            annotator,
            {axis: label for axis, label in (("troops", troops), ("outlook", outlook)) if label},
        ),
        st.sampled_from(TEXTS),
        st.sampled_from("abcd"),
        st.sampled_from([None, "pro", "anti", "neutral"]),
        st.sampled_from([None, "optimistic", "skeptical"]),
    ),
    max_size=25,
)


@given(drawn=CORRECTIONS)
def test_a_label_that_is_exported_is_what_more_than_half_said_last(
    drawn: list[Drawn],
) -> None:
    given = [said(n, text, annotator, **labels) for n, (text, annotator, labels) in enumerate(drawn, 1)]
    rows, left_out = corpus_lines(DECLARED, given)
    exported = {(row["text"], axis.name): row[axis.name] for row in rows for axis in DECLARED if axis.name in row}
    divided = 0
    for text in TEXTS:
        for axis in DECLARED:
            last = {c.annotator: c.labels[axis.name] for c in given if c.text == text and axis.name in c.labels}
            counts = Counter(last.values())
            label = exported.get((text, axis.name))
            if label is None:
                assert all(2 * count <= len(last) for count in counts.values())
                divided += bool(last)
            else:
                assert 2 * counts[label] > len(last)
    assert left_out == divided
    assert sum(each.conflicts for each in agreement(DECLARED, given, {}).values()) == divided


def test_what_is_exported_is_read_as_a_corpus(tmp_path: Path) -> None:
    given = [
        said(1, TEXTS[0], "anna", troops="anti"),
        said(2, TEXTS[1], "", outlook="neutral", troops="neutral"),
    ]
    rows, _ = corpus_lines(DECLARED, given)
    file = tmp_path / "corrected.jsonl"
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    corpus = read_corpus([file], DECLARED)
    assert list(corpus.frame["provenance"]) == ["corrected", "corrected"]
    assert list(corpus.frame["part"]) == ["heads", "heads"]
    assert list(corpus.frame["troops"]) == ["anti", "neutral"]
