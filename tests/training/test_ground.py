from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.axes import Axis
from models.bundle import RELEASED
from models.encoder import Encoder
from models.errors import EncoderError
from tests.conftest import run
from training.corpus import Corpus
from training.ground import encoded, encoder_record


@pytest.fixture
def few(corpus: Corpus) -> Corpus:
    return replace(corpus, frame=corpus.frame.groupby("part", group_keys=False).head(30).reset_index(drop=True))


def test_vectors_are_kept_and_only_new_texts_are_encoded(
    few: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    transform = Encoder.transform
    monkeypatch.setattr(Encoder, "transform", lambda self, texts: asked.append(len(texts)) or transform(self, texts))
    first = encoded(replace(few, frame=few.frame.iloc[:80]), RELEASED, tmp_path)
    again = encoded(replace(few, frame=few.frame.iloc[:80]), RELEASED, tmp_path)
    assert sum(asked) == len(first.train) + len(first.exam)
    np.testing.assert_array_equal(first.vectors, again.vectors)
    more = encoded(few, RELEASED, tmp_path)
    assert sum(asked) == len(more.train) + len(more.exam)
    expected = Encoder.read(RELEASED).transform(more.exam["text"].tolist())
    np.testing.assert_allclose(more.exam_vectors, expected, atol=1e-5)


def test_no_text_that_the_encoder_saw_serves_heads_or_exam(few: Corpus, tmp_path: Path) -> None:
    seen = set(encoder_record(RELEASED).seen)
    ground = encoded(few, RELEASED, tmp_path)
    assert not seen & {*ground.train["digest"], *ground.exam["digest"]}
    assert set(few.part("encoder")["digest"]) & seen, "the rows would show nothing"
    assert len(ground.vectors) == len(ground.train)
    assert set(ground.exam["part"]) == {"exam"}


def test_an_axis_that_the_encoder_was_tuned_to_stands_on_its_last_layer_and_another_on_all(
    few: Corpus, tmp_path: Path
) -> None:
    ground, record = encoded(few, RELEASED, tmp_path), encoder_record(RELEASED)
    tuned = few.axes[0]
    other = Axis(name="tone", labels=tuned.labels, neutral=tuned.neutral, description="Another.")
    heads = [ground.classifier(axis, 0.1).fit(ground.vectors, ground.train[tuned.name]) for axis in (tuned, other)]
    assert [head[-1].coef_.shape[1] for head in heads] == [record.hidden, record.hidden * len(record.depths)]
    assert ground.vectors.shape[1] == record.hidden * len(record.depths) > record.hidden


def test_a_record_that_is_none_is_refused(few: Corpus, tmp_path: Path) -> None:
    for name in ("encoder.onnx", "tokenizer.json"):
        (tmp_path / name).write_bytes((RELEASED / name).read_bytes())
    with pytest.raises(EncoderError, match=r"encoder\.json: cannot be read"):
        encoded(few, tmp_path, tmp_path)
    (tmp_path / "encoder.json").write_text('{"base": "x"}')
    with pytest.raises(EncoderError, match=r"encoder\.json: cannot be read"):
        encoded(few, tmp_path, tmp_path)


def test_a_folder_without_an_encoder_ends_a_fit_without_a_trace(tmp_path: Path) -> None:
    printed = run("training", "fit", "--encoder", str(tmp_path), "--no-track", "--store", str(tmp_path))
    assert printed.returncode == 1
    assert "no encoder there" in printed.stderr
    assert "Traceback" not in printed.stderr


@pytest.mark.parametrize("place", ["file", "file/below"])
@pytest.mark.parametrize("features", ["encoder", "ngrams"])
def test_a_store_that_cannot_be_written_ends_a_fit_before_it_works(tmp_path: Path, place: str, features: str) -> None:
    (tmp_path / "file").touch()
    printed = run("training", "fit", "--features", features, "--no-track", "--store", str(tmp_path / place))
    assert printed.returncode == 1
    assert f"{place}: cannot be written" in "".join(printed.stderr.split("\n"))
    assert "Traceback" not in printed.stderr
    assert printed.stdout == ""
