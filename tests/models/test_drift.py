from collections import Counter

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from models.bundle import Bundle
from models.drift import ACT, CONFIDENCES, FLOOR, LENGTHS, UNKNOWN, WATCH, Reference, bins, stability_index, verdict
from models.language import identify
from models.stance import Prediction, Stance
from training.corpus import Corpus

MIXES = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 10_000), min_size=1)


@given(expected=MIXES, found=MIXES)
def test_the_index_is_never_negative_and_the_same_both_ways(expected: dict[str, int], found: dict[str, int]) -> None:
    index = stability_index(expected, found)
    assert index >= 0
    assert index == pytest.approx(stability_index(found, expected))


@given(mix=MIXES, times=st.integers(1, 1000))
def test_the_index_of_equal_mixes_is_nought(mix: dict[str, int], times: int) -> None:
    assert stability_index(mix, {name: count * times for name, count in mix.items()}) == 0


@given(mix=MIXES, data=st.data())
def test_the_index_grows_when_mass_moves(mix: dict[str, int], data: st.DataObject) -> None:
    giver = data.draw(st.sampled_from(sorted(mix)))
    taker = data.draw(st.sampled_from([name for name in "abcdefgh" if name != giver]))
    less, more = sorted(data.draw(st.lists(st.integers(0, mix[giver]), min_size=2, max_size=2, unique=True)))

    def moved(count: int) -> float:
        found = mix | {giver: mix[giver] - count, taker: mix.get(taker, 0) + count}
        return stability_index(mix, {name: count for name, count in found.items() if count})

    assert moved(more) >= moved(less)
    assume(mix.get(taker, 0) + more > FLOOR * sum(mix.values()))  # under the floor nothing is told apart
    assert moved(more) > moved(less)


def test_the_index_is_that_of_the_formula() -> None:
    assert stability_index({"a": 50, "b": 50}, {"a": 60, "b": 40}) == pytest.approx(
        0.1 * 0.1823 + 0.1 * 0.2231, abs=1e-4
    )
    assert stability_index({"a": 1}, {"b": 1}) == pytest.approx(2 * (1 - FLOOR) * 6.9078, abs=1e-3)


def test_an_index_has_its_verdict_from_the_threshold_on() -> None:
    assert [verdict(index) for index in (0, WATCH - 1e-9, WATCH, ACT - 1e-9, ACT, 9)] == [
        "ok",
        "ok",
        "watch",
        "watch",
        "act",
        "act",
    ]


def test_a_text_falls_into_one_bin_of_each_feature() -> None:
    def found(text: str, confidence: float, unknown: float | None) -> dict[str, str]:
        stance = Stance("warm", confidence, True, None, {"warm": confidence, "cold": 1 - confidence})
        return bins(text, Prediction("uk", {"tone": stance}, unknown))

    assert found("a" * LENGTHS[1], CONFIDENCES[0], 0) == {
        "language": "uk",
        "length": "<= 50",
        "unknown": "<= 0",
        "tone_label": "warm",
        "tone_confidence": "<= 0.4",
    }
    assert found("a" * (LENGTHS[1] + 1), 0.41, None)["length"] == "<= 75"
    assert "unknown" not in found("a", 0.5, None)
    last = found("a" * (LENGTHS[-1] + 1), 1, 1)
    assert (last["length"], last["tone_confidence"], last["unknown"]) == ("> 1000", "> 0.98", f"> {UNKNOWN[-1]}")


def test_the_reference_of_a_fitted_bundle_is_the_exam(bundle: Bundle, corpus: Corpus) -> None:
    exam = corpus.part("exam")
    exam = exam[exam["digest"].isin(bundle.manifest.texts["exam"])]
    reference = bundle.reference
    assert reference is not None
    assert reference.texts == len(exam)
    assert set(reference.mixes) == {
        "language",
        "length",
        "unknown",
        *(f"{axis.name}_{part}" for axis in bundle.model.axes for part in ("label", "confidence")),
    }
    assert all(sum(mix.values()) == len(exam) for mix in reference.mixes.values())
    assert reference.mixes["language"] == Counter(map(identify, exam["text"]))  # what the corpus says is what is found
    some = exam["text"].tolist()[:40]
    one, other = (Reference.of(some, bundle.model.predict(some, explain)) for explain in (False, True))
    assert one == other


def test_tokens_that_the_vocabulary_lacks_are_counted(bundle: Bundle, ngram_bundle: Bundle) -> None:
    known, strange, none = bundle.model.predict(["Військ не буде.", "漢字漢字 漢字漢字 漢字漢字", ""])
    assert known.unknown == none.unknown == 0
    assert strange.unknown is not None
    assert strange.unknown >= 0.5
    assert ngram_bundle.model.predict(["Військ не буде."])[0].unknown is None
