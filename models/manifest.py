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


class Facts(BaseModel):
    """Carry what is known of a model beyond its arithmetic.

    ``texts`` are the digests of the texts that each part used: ``train``, ``exam``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    features: Literal["ngrams"]
    corpus: CorpusRecord
    texts: dict[str, tuple[str, ...]]
    metrics: dict[str, Any]
    mlflow_run_id: str | None = None


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
