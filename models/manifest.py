"""What a bundle says of itself: the fields of ``manifest.json``."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from models.axes import Axis

FORMAT = 1


class FileRecord(BaseModel):
    """Record what a file of a bundle must be, its size in bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str
    size: int


class CorpusRecord(BaseModel):
    """Record what a model was fitted on: a digest of all rows, and the files as they were named."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    digest: str
    rows: int
    files: tuple[str, ...]


class EncoderRecord(BaseModel):
    """Say how an encoder was made; the fields of ``encoder.json``.

    ``depths`` are the layers whose states its vectors are made of, the last one alone where none is named; ``held_out``
    are macro-F1 by step and axis on rows that it never saw, ``held_out_known`` of which had taught its teachers;
    ``seen`` are the digests of those that it did see.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    base: str
    licence: str
    hidden: int
    layers: int
    depths: tuple[int, ...] = ()
    pieces: int
    corpus: str
    held_out_rows: int
    held_out_known: int = 0
    held_out: dict[str, dict[str, float]]
    seen: tuple[str, ...]

    @property
    def axes(self) -> frozenset[str]:
        """Return the names of the axes that it was tuned to."""
        return frozenset(name for scores in self.held_out.values() for name in scores)


class Facts(BaseModel):
    """Carry what is known of a model beyond its arithmetic.

    ``texts`` are the digests of the texts that each part used: ``encoder`` where there is one, ``heads`` and ``exam``.
    ``behaviour`` is the share of behavioural tests passed, by test and language; ``faithfulness`` what explanations are
    worth, None where there are none. ``last_feedback`` is the id of the newest correction that it learnt from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    features: Literal["ngrams", "encoder"]
    corpus: CorpusRecord
    texts: dict[str, tuple[str, ...]]
    metrics: dict[str, Any]
    behaviour: dict[str, dict[str, float]]
    faithfulness: dict[str, dict[str, float]] | None
    mlflow_run_id: str | None = None
    last_feedback: int | None = None

    @property
    def learnt(self) -> frozenset[str]:
        """Return the digests of all texts that the model learnt from."""
        return frozenset(digest for part, digests in self.texts.items() if part != "exam" for digest in digests)


class Manifest(Facts):
    """Say what a bundle holds; its field names are those of ``manifest.json``."""

    format: int
    version: str
    created: datetime
    axes: tuple[Axis, ...]
    languages: tuple[str, ...]
    thresholds: dict[str, float]
    libraries: dict[str, str]
    files: dict[str, FileRecord]
