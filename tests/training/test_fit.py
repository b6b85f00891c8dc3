import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.axes import Axis
from models.bundle import RELEASED, Bundle, load_bundle, read_manifest, write_bundle
from models.errors import TrainingError
from models.manifest import CorpusRecord
from tests.conftest import Fitted, run
from training.card import card
from training.corpus import DATA, Corpus, corpus_files, last_feedback, read_corpus
from training.fit import EVEN, SELECTIVE_ACCURACY, fit, threshold
from training.ground import CACHE, Ground, KeptVectors, encoded, encoder_record, ngrams


def smaller(corpus: Corpus, rows: int, **columns: list[object]) -> Corpus:
    frame = corpus.frame.groupby("part", group_keys=False).head(rows).reset_index(drop=True)
    return replace(corpus, frame=frame.assign(**columns), record=CorpusRecord(digest="d", rows=len(frame), files=()))


@pytest.fixture(scope="module")
def answered(bundle: Bundle, fitted: Fitted, corpus: Corpus) -> dict[str, np.ndarray]:
    """Answer the exam by the vectors that the fit has kept."""
    vectors = KeptVectors(bundle.model.heads.features, bundle.path, fitted.store / CACHE)
    return bundle.model.heads.answers(vectors(corpus.part("exam")["text"].tolist()), bundle.model.axes)


def test_the_mean_probability_of_each_label_is_its_frequency(
    bundle: Bundle, corpus: Corpus, answered: dict[str, np.ndarray]
) -> None:
    exam = corpus.part("exam")
    for axis in bundle.model.axes:
        frequencies = exam[axis.name].value_counts(normalize=True)
        for label, mean in zip(axis.labels, answered[axis.name].mean(axis=0), strict=True):
            assert mean == pytest.approx(frequencies[label], abs=0.05)


def test_the_model_is_better_than_a_guess_and_its_confidence_is_honest(bundle: Bundle) -> None:
    for axis in bundle.model.axes:
        figures = bundle.manifest.metrics[axis.name]["all"]
        assert figures["macro_f1"]["low"] > 0.5
        assert figures["calibration_error"]["value"] < 0.1
        for figure in (figures["macro_f1"], figures["accuracy"]):
            assert figure["low"] <= figure["value"] <= figure["high"]


def test_answers_that_are_certain_are_right_more_often(
    bundle: Bundle, corpus: Corpus, answered: dict[str, np.ndarray]
) -> None:
    exam = corpus.part("exam")
    predictions = bundle.model.predictions(exam["text"].tolist(), answered)
    for axis in bundle.model.axes:
        stances = [p.stances[axis.name] for p in predictions]
        right = np.array([s.label for s in stances]) == exam[axis.name].to_numpy()
        certain = np.array([s.certain for s in stances])
        assert 0.1 < certain.mean() < 1
        assert right[certain].mean() > right[~certain].mean() + 0.2


def test_no_examined_text_was_trained_on(bundle: Bundle, corpus: Corpus) -> None:
    learnt, exam = bundle.manifest.learnt, set(bundle.manifest.texts["exam"])
    assert not learnt & exam
    assert exam == set(corpus.part("exam")["digest"])
    assert not set(bundle.manifest.texts["encoder"]) & set(bundle.manifest.texts["heads"])
    assert learnt | exam >= set(corpus.frame["digest"])


def test_the_threshold_is_the_lowest_confidence_that_keeps_the_accuracy() -> None:
    confidence = np.array([0.9, 0.8, 0.7, 0.6])
    assert threshold(confidence, np.array([True, True, False, False]), 0.9) == 0.8
    assert threshold(confidence, np.array([True, True, True, True]), 0.9) == 0.6
    assert threshold(confidence, np.array([False, True, True, True]), 0.9) == 1.0
    assert threshold(confidence, np.array([True, False, True, True]), 0.7) == 0.6
    assert SELECTIVE_ACCURACY == 0.90


def test_the_threshold_may_weigh_rows_by_the_labels_of_articles() -> None:
    confidence, right = np.array([0.9, 0.8, 0.7, 0.6]), np.array([True, True, False, True])
    assert threshold(confidence, right, 0.9) == 0.8
    assert (
        threshold(confidence, right, 0.9, np.array([1, 1, 0.1, 1])) == 0.6
    )  # where such errors are rare, more is said
    assert threshold(confidence, right, 0.7, np.array([1, 1, 9, 1])) == 0.8


def test_no_answer_is_certain_that_is_likelier_wrong_than_right() -> None:
    confidence = np.array([0.9, 0.8, 0.6, 0.4])
    assert threshold(confidence, np.array([True, True, True, True]), 0.9) == EVEN == 0.5
    assert threshold(confidence, np.array([True, True, True, False]), 0.7) == EVEN


def test_who_asks_for_surer_answers_gets_fewer(tmp_path: Path) -> None:
    words = ["training", "fit", "--no-track", "--data", str(DATA / "corpus" / "composed-plain.jsonl")]
    found = {}
    for accuracy in ("0.8", "0.95"):
        store = tmp_path / accuracy
        printed = run(*words, "--features", "ngrams", "--accuracy", accuracy, "--store", str(store))
        assert printed.returncode == 0, printed.stderr
        [bundle] = [folder for folder in store.iterdir() if (folder / "manifest.json").exists()]
        found[accuracy] = read_manifest(bundle).thresholds
        assert (
            f"so that at least {float(accuracy):.1%} of the certain answers there are right"
            in (bundle / "card.md").read_text()
        )
    assert all(found["0.95"][axis] > found["0.8"][axis] for axis in found["0.8"])


@pytest.fixture(params=["ngrams", "encoder"])
def ground(request: pytest.FixtureRequest, fitted: Fitted) -> Callable[[Corpus], Ground]:
    """What heads stand on, either way, with the vectors that the first fit kept."""
    if request.param == "ngrams":
        return ngrams
    return partial(encoded, folder=RELEASED, cache=fitted.store / ".vectors")


def test_an_axis_that_a_person_invents_is_fitted_saved_and_answered(
    corpus: Corpus, tmp_path: Path, ground: Callable[[Corpus], Ground]
) -> None:
    quoting = Axis(name="quoting", labels=("yes", "no"), neutral="no", description="Whether the text quotes.")
    small = smaller(corpus, 500)
    labels = ["yes" if any(mark in text for mark in '«“"') else "no" for text in small.frame["text"]]
    frame = small.frame.assign(quoting=pd.Series(labels, dtype=object).where(small.frame.index % 5 != 0, None))
    made = fit(replace(small, frame=frame, axes=(*corpus.axes, quoting)), ground, None)
    encoder = RELEASED if made.encoder else None
    path = write_bundle(tmp_path, made.model, made.facts, made.golden, card(made), encoder)
    loaded = load_bundle(path)
    assert [axis.name for axis in loaded.model.axes] == ["troops", "outlook", "quoting"]
    assert set(loaded.model.predict(["«Нет», — сказал министр."])[0].stances["quoting"].probabilities) == {"yes", "no"}
    told = (path / "card.md").read_text(encoding="utf-8")
    assert "quoting" in told
    assert not any(of_ours in told for of_ours in ("CC BY 4.0", "between 2022 and 2026"))  # of no file of this project


def test_corrected_rows_change_the_answer_at_once_and_leave_the_calibration_alone(
    corpus: Corpus, ground: Callable[[Corpus], Ground]
) -> None:
    small = smaller(corpus, 500)
    text = "Глава ведомства объявил о развёртывании зонтика безопасности над побережьем."
    row = small.frame[small.frame["part"] == "heads"].iloc[0]
    rows = [
        {**row, "id": f"c{n}", "digest": f"c{n}", "group": f"c{n}", "text": f"{text} {n}", "provenance": "corrected"}
        | {"troops": "pro", "outlook": "optimistic"}
        for n in range(60)
    ]
    before = fit(small, ground, None)
    after = fit(replace(small, frame=pd.concat([small.frame, pd.DataFrame(rows)], ignore_index=True)), ground, None)
    [was], [now] = before.model.predict([text]), after.model.predict([text])
    assert now.stances["troops"].label == "pro"
    assert now.stances["troops"].probabilities["pro"] > was.stances["troops"].probabilities["pro"]
    assert set(after.facts.texts["heads"]) - set(before.facts.texts["heads"]) == {f"c{n}" for n in range(60)}


def test_a_correction_of_what_the_encoder_has_seen_trains_the_heads(
    corpus: Corpus, fitted: Fitted, tmp_path: Path
) -> None:
    seen = corpus.frame[corpus.frame["digest"].isin(encoder_record(RELEASED).seen)].iloc[0]
    told = {"id": "feedback-7", "lang": seen["lang"], "text": seen["text"], "provenance": "corrected", "troops": "pro"}
    file = tmp_path / "corrected.jsonl"
    file.write_text(json.dumps(told), encoding="utf-8")
    stand = encoded(read_corpus(corpus_files(None, [file]), corpus.axes), RELEASED, fitted.store / CACHE)
    [row] = stand.train[stand.train["provenance"] == "corrected"].to_dict("records")
    assert (row["text"], row["troops"], row["outlook"]) == (seen["text"], "pro", seen["outlook"])
    assert row["digest"] in stand.texts["heads"]
    assert last_feedback(stand.train) == 7


def test_a_corpus_that_the_encoder_has_seen_whole_is_refused(corpus: Corpus, fitted: Fitted) -> None:
    known = replace(corpus, frame=corpus.frame[corpus.frame["digest"].isin(encoder_record(RELEASED).seen)])
    with pytest.raises(TrainingError, match=r"axis troops: 0 groups of statements are labelled .* outside the exam"):
        fit(known, partial(encoded, folder=RELEASED, cache=fitted.store / CACHE), None)


def test_too_few_rows_are_told_by_axis_and_label(corpus: Corpus) -> None:
    corpus = smaller(corpus, 600)
    with pytest.raises(TrainingError, match="no labelled row on any declared axis"):
        fit(replace(corpus, axes=()), ngrams, None)
    frame = corpus.frame[(corpus.frame["troops"] != "anti") | (corpus.frame["part"] == "exam")]
    with pytest.raises(TrainingError, match=r"axis troops: 0 groups .*'anti'.*at least 5"):
        fit(replace(corpus, frame=frame), ngrams, None)
    alike = corpus.frame.assign(text=[f"w{n}" for n in range(len(corpus.frame))])
    with pytest.raises(TrainingError, match="too few words in common"):
        fit(replace(corpus, frame=alike), ngrams, None)
    with pytest.raises(TrainingError, match="exam"):
        fit(replace(corpus, frame=corpus.part("encoder", "heads")), ngrams, None)
