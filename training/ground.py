"""What the heads stand on: rows to learn from and to be examined on, turned into vectors by n-grams or an encoder."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import ValidationError
from rich.progress import track

from models.axes import Axis
from models.bundle import RELEASED, current
from models.encoder import FILES, Encoder
from models.errors import EncoderError, TrainingError
from models.heads import classifier, ngram_features, vector_classifier
from models.manifest import EncoderRecord
from models.text import digest
from training.baseline import ngram_answers
from training.cache import read_arrays, write_arrays
from training.corpus import Corpus

ENCODERS = Path(__file__).parents[1] / "models" / "encoders"
CACHE = ".vectors"
"""Folder of a store in which vectors and answers are kept from one fit to the next."""
CHUNK = 256
"""Texts encoded between two steps of the progress bar."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Hold vectors of the rows that heads are fitted on and of those that examine them.

    ``vectors_of`` gives the vectors of any texts, as the ``transformer`` of the bundle does. ``classifier`` makes the
    unfitted classifier of an axis and a strength of regularisation, ``strengths`` are those to try, and ``backend``
    is joblib's for the folds: over dense vectors a fit is done before a process has started. ``texts`` are the digests
    of the texts that each part used. ``baseline`` returns per axis the places of the labels that n-grams answer on the
    exam; None where n-grams are what the heads stand on.
    """

    features: Literal["ngrams", "encoder"]
    transformer: Any
    train: pd.DataFrame
    exam: pd.DataFrame
    vectors: Any
    exam_vectors: Any
    vectors_of: Callable[[Sequence[str]], Any]
    classifier: Callable[[Axis, float], Any]
    strengths: tuple[float, ...]
    backend: Literal["loky", "threading"]
    texts: dict[str, tuple[str, ...]]
    encoder: EncoderRecord | None
    baseline: Callable[[], dict[str, np.ndarray]] | None


def ngrams(corpus: Corpus) -> Ground:
    """Fit n-grams on all rows that are not examined.

    Raises:
        TrainingError: the texts have nothing in common.
    """
    train, exam = corpus.part("encoder", "heads"), corpus.part("exam")
    transformer = ngram_features()
    try:
        vectors = transformer.fit_transform(train["text"]).tocsr()
    except ValueError as error:  # scikit-learn's word for texts that share nothing, or for none at all
        raise TrainingError("the texts have too few words in common to learn from; label more") from error
    texts = {"heads": _digests(train), "exam": _digests(exam)}
    examined = transformer.transform(exam["text"]) if len(exam) else vectors[:0]
    strengths = (3.0, 10.0, 30.0)
    return Ground(
        "ngrams",
        transformer,
        train,
        exam,
        vectors,
        examined,
        transformer.transform,
        lambda _, strength: classifier(strength),
        strengths,
        "loky",
        texts,
        None,
        None,
    )


def encoded(corpus: Corpus, folder: Path, cache: Path) -> Ground:
    """Encode the rows that an encoder has not seen, with vectors kept in the folder ``cache`` for the next time.

    Corrected rows count whether it has seen their text or not: they say what it should have learnt of it.

    Raises:
        EncoderError: the folder holds no encoder.
    """
    encoder = Encoder.read(folder)
    record = encoder_record(folder)
    seen = set(record.seen)
    unseen = corpus.frame[~corpus.frame["digest"].isin(seen) | (corpus.frame["provenance"] == "corrected")]
    train, exam = unseen[unseen["part"] != "exam"], unseen[unseen["part"] == "exam"]
    vectors_of = KeptVectors(encoder, folder, cache)
    vectors = vectors_of(unseen["text"].tolist())
    places = pd.Series(range(len(unseen)), index=unseen.index)

    def head(axis: Axis, strength: float) -> Any:
        """Stand an axis that the encoder was tuned to on its last layer, any other on all that its vectors have."""
        return vector_classifier(strength, record.hidden if axis.name in record.axes else None)

    return Ground(
        "encoder",
        encoder,
        train,
        exam,
        vectors[places[train.index]],
        vectors[places[exam.index]],
        vectors_of,
        head,
        (0.03, 0.1, 0.3),
        "threading",
        {"encoder": tuple(sorted(seen)), "heads": _digests(train), "exam": _digests(exam)},
        record,
        partial(ngram_answers, corpus, exam, cache),
    )


def encoder_folder(store: Path, named: Path | None = None, required: bool = False) -> Path | None:
    """Return the folder of the encoder named, else of that in what serves, else of the one that ships; None without.

    Raises:
        EncoderError: there is none in the folder named, or none at all where one is required.
    """
    places = [named] if named else [place for place in (current(store), RELEASED) if place]
    found = next((place for place in places if (place / FILES[0]).exists()), None)
    if found is None and (named or required):
        raise EncoderError(f"{named or store}: no encoder there; name one with --encoder, or make one with `finetune`")
    return found


def encoder_record(folder: Path) -> EncoderRecord:
    """Read how an encoder was made.

    Raises:
        EncoderError: there is no such record, or it is none.
    """
    file = folder / "encoder.json"
    try:
        return EncoderRecord.model_validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        raise EncoderError(f"{file}: cannot be read ({type(error).__name__}); name a folder of `finetune`") from error


def _digests(rows: pd.DataFrame) -> tuple[str, ...]:
    return tuple(sorted(rows["digest"]))


class KeptVectors:
    """Turn texts into vectors, taking from a cache what it had when this was made and adding what it lacks."""

    def __init__(self, encoder: Encoder, folder: Path, cache: Path) -> None:
        """Read what the cache has; ``folder`` is where the encoder lies, told from others by what is in its files."""
        parts = [hashlib.sha256((folder / name).read_bytes()).digest() for name in FILES[:2]]
        self._encoder, self._file = encoder, cache / f"{hashlib.sha256(b''.join(parts)).hexdigest()[:16]}.npz"
        kept = read_arrays(self._file)
        self._known = dict(zip(kept["digests"].tolist(), kept["vectors"], strict=True)) if kept else {}

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """Return the vectors of texts, (texts, width)."""
        digests = [digest(text) for text in texts]
        new = {key: text for key, text in zip(digests, texts, strict=True) if key not in self._known}
        lacking = list(new.values())
        found = [
            self._encoder.transform(lacking[at : at + CHUNK])
            for at in track(range(0, len(new), CHUNK), description=f"encoding {len(new)} texts", disable=not new)
        ]
        if found:
            self._known |= dict(zip(new, np.concatenate(found), strict=True))
            write_arrays(self._file, digests=np.array(list(self._known)), vectors=np.stack(list(self._known.values())))
        width = self._encoder.width
        return np.stack([self._known[key] for key in digests]) if digests else np.empty((0, width), np.float32)
