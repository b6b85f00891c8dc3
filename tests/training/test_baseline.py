from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score

from models.axes import Axis, read_axes
from models.heads import classifier, ngram_features
from training.baseline import STRENGTH, ngram_answers
from training.cache import read_arrays, write_arrays
from training.corpus import AXES, Corpus, corpus_files, read_corpus

TONE = Axis(name="tone", labels=("warm", "cold"), neutral="cold", description="How warm.")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Read one file of the corpus."""
    return read_corpus([next(file for file in corpus_files() if file.stem == "composed-plain")], read_axes(AXES))


def test_the_baseline_is_a_plain_pipeline_of_scikit_learn_beside_the_rows(small: Corpus, tmp_path: Path) -> None:
    train, exam = small.part("encoder", "heads"), small.part("exam").sample(frac=1, random_state=0)
    found = ngram_answers(small, exam, tmp_path)
    features = ngram_features()
    vectors = features.fit_transform(train["text"])
    for axis in small.axes:
        plain = classifier(STRENGTH).fit(vectors, train[axis.name]).predict(features.transform(exam["text"]))
        assert np.array(axis.labels)[found[axis.name]].tolist() == plain.tolist()
        assert f1_score(exam[axis.name], plain, average="macro") > 0.4


def test_answers_are_kept_by_text_and_fitted_anew_for_texts_that_are_new(small: Corpus, tmp_path: Path) -> None:
    exam = small.part("exam")
    found = ngram_answers(small, exam, tmp_path)
    [file] = tmp_path.iterdir()
    kept = read_arrays(file)
    write_arrays(file, **kept | {"troops": (kept["troops"] + 1) % 3})
    turned = ngram_answers(small, exam.iloc[:5], tmp_path)
    assert turned["troops"].tolist() == ((found["troops"][:5] + 1) % 3).tolist()
    anew = ngram_answers(small, small.frame.head(7), tmp_path)
    assert {name: len(places) for name, places in anew.items()} == {"troops": 7, "outlook": 7}
    again = ngram_answers(small, exam, tmp_path)  # what is asked between forgets nothing
    assert again["troops"].tolist() == ((found["troops"] + 1) % 3).tolist()


@pytest.mark.parametrize("texts", [["alike one", "alike two", "alike three"], ["one", "two", "three"]])
def test_where_nothing_can_be_learnt_there_is_no_baseline(texts: list[str], tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    rows = [f"{i},en,{text},warm,group-{i}" for i, text in enumerate(texts)]
    file.write_text("id,lang,text,tone,group\n" + "\n".join(rows) + "\n", encoding="utf-8")
    corpus = read_corpus([file], (TONE,))
    assert ngram_answers(corpus, corpus.frame, tmp_path / "cache") == {}
