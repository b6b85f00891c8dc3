"""What the heads stand on: rows to learn from and to be examined on, turned into vectors by n-grams or an encoder."""

import hashlib
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import ValidationError
from rich.progress import track

from models.encoder import FILES, Encoder
from models.errors import EncoderError, TrainingError
from models.heads import classifier, ngram_features, vector_classifier
from models.manifest import EncoderRecord
from training.corpus import Corpus

ENCODERS = Path(__file__).parents[1] / "models" / "encoders"
CHUNK = 256
"""Texts encoded between two steps of the progress bar."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Hold vectors of the rows that heads are fitted on and of those that examine them.

    ``classifier`` makes the unfitted classifier of a strength of regularisation, ``strengths`` are those to try, and
    ``texts`` are the digests of the texts that each part used.
    """

    features: Literal["ngrams", "encoder"]
    transformer: Any
    train: pd.DataFrame
    exam: pd.DataFrame
    vectors: Any
    exam_vectors: Any
    classifier: Callable[[float], Any]
    strengths: tuple[float, ...]
    texts: dict[str, tuple[str, ...]]
    encoder: EncoderRecord | None


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
    return Ground("ngrams", transformer, train, exam, vectors, examined, classifier, (3.0, 10.0, 30.0), texts, None)


def encoded(corpus: Corpus, folder: Path, cache: Path) -> Ground:
    """Encode the rows that an encoder has not seen, with vectors kept in the folder ``cache`` for the next time.

    Raises:
        EncoderError: the folder holds no encoder.
    """
    encoder = Encoder.read(folder)
    record = encoder_record(folder)
    seen = set(record.seen)
    unseen = corpus.frame[~corpus.frame["digest"].isin(seen)]
    train, exam = unseen[unseen["part"] != "exam"], unseen[unseen["part"] == "exam"]
    vectors = _vectors(encoder, _encoder_digest(folder), unseen, cache)
    places = pd.Series(range(len(unseen)), index=unseen.index)
    return Ground(
        "encoder",
        encoder,
        train,
        exam,
        vectors[places[train.index]],
        vectors[places[exam.index]],
        vector_classifier,
        (0.03, 0.1, 0.3),
        {"encoder": tuple(sorted(seen)), "heads": _digests(train), "exam": _digests(exam)},
        record,
    )


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


def _encoder_digest(folder: Path) -> str:
    parts = [hashlib.sha256((folder / name).read_bytes()).digest() for name in FILES[:2]]
    return hashlib.sha256(b"".join(parts)).hexdigest()[:16]


def _vectors(encoder: Encoder, name: str, rows: pd.DataFrame, cache: Path) -> np.ndarray:
    """Return the vectors of rows, taking from the cache what it has and adding what it lacks."""
    file = cache / f"{name}.npz"
    known: dict[str, np.ndarray] = {}
    if file.exists():
        with np.load(file) as kept:
            known = dict(zip(kept["digests"].tolist(), kept["vectors"], strict=True))
    new = rows[~rows["digest"].isin(known.keys())].drop_duplicates("digest")
    texts = new["text"].tolist()
    found = [
        encoder.transform(texts[at : at + CHUNK])
        for at in track(range(0, len(texts), CHUNK), description=f"encoding {len(texts)} texts", disable=not texts)
    ]
    if found:
        known |= dict(zip(new["digest"], np.concatenate(found), strict=True))
        _keep(file, known)
    return np.stack([known[digest] for digest in rows["digest"]])


def _keep(file: Path, known: dict[str, np.ndarray]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=file.parent, suffix=".writing", delete=False) as beside:
        np.savez(beside, digests=np.array(list(known)), vectors=np.stack(list(known.values())))
    os.replace(beside.name, file)
