import numpy as np
import pytest

from models.bundle import Bundle
from models.stance import Prediction, Stance
from training.corpus import Corpus
from training.faithful import KEYS, SHARE, TEXTS, faithfulness


def halves(stance: Stance) -> tuple[str, str]:
    """Return a text without the heaviest words of its label, and these alone."""
    assert stance.words
    ranked = sorted(range(len(stance.words)), key=lambda i: -stance.words[i].weight)
    heavy = set(ranked[: max(1, round(SHARE * len(stance.words)))])
    left, kept = (
        " ".join(word.text for i, word in enumerate(stance.words) if (i in heavy) == chosen) for chosen in (False, True)
    )
    return left, kept


def lost(axis: str, before: list[Prediction], after: list[Prediction]) -> float:
    """Return how much of its probability the label answered before loses on average."""
    pairs = [(one.stances[axis], other.stances[axis]) for one, other in zip(before, after, strict=True)]
    return float(np.mean([one.confidence - other.probabilities[one.label] for one, other in pairs]))


def test_the_figures_are_what_anybody_would_see_who_takes_the_words_out(bundle: Bundle, corpus: Corpus) -> None:
    exam = corpus.part("exam")
    found = faithfulness(bundle.model, exam, bundle.model.heads.features.transform)
    assert found
    explained = bundle.model.predict(exam.sort_values("digest")["text"].head(TEXTS).tolist(), explain=True)
    for axis, figures in found.items():
        assert set(figures) == set(KEYS)
        left, kept = zip(*(halves(prediction.stances[axis]) for prediction in explained), strict=True)
        for key, texts in (("deletion", left), ("insertion", kept)):
            assert figures[key] == pytest.approx(lost(axis, explained, bundle.model.predict(texts)), abs=2e-4)


def test_n_grams_have_no_words_to_take_out(ngram_bundle: Bundle, corpus: Corpus) -> None:
    assert faithfulness(ngram_bundle.model, corpus.part("exam"), ngram_bundle.model.heads.features.transform) is None
