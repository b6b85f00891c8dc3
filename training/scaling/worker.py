"""What a worker process does: take a bundle, verify it, and score partitions with it, one encoder a process."""

import asyncio
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from time import perf_counter

import pyarrow as pa
from distributed import Worker, WorkerPlugin, get_worker
from fsspec import AbstractFileSystem

from models.bundle import Bundle, load_bundle, read_manifest
from models.errors import BundleDamaged, TableError
from models.integrity import content, record, trust, verified
from training.forms import Options, sink_of, transfer
from training.scaling.kinds import Kinds, kinds_of
from training.scaling.output import Output, Part
from training.scaling.partitions import Partition, opened
from training.summary import Failure, Summary

_loading = Lock()


class Delivery(WorkerPlugin):
    """Bring a bundle to every worker, once by its digest, and to every worker that comes later; verify it there.

    ``digest`` is the SHA-256 of the manifest, which has those of all other files.

    Raises:
        BundleError: the folder holds no bundle.
    """

    idempotent = True

    def __init__(self, folder: Path) -> None:
        trust(folder)
        self._contents = {"manifest.json": content(folder / "manifest.json", "a manifest")}
        self._contents |= {name: verified(folder / name, each) for name, each in read_manifest(folder).files.items()}
        self.digest = record(self._contents["manifest.json"]).sha256
        self.name = f"stance-{self.digest}"

    async def setup(self, worker: Worker) -> None:
        """Write the bundle into the folder of a worker and load it, while the worker goes on speaking to others."""
        await asyncio.to_thread(self._take, Path(worker.local_directory) / self.digest)

    def _take(self, folder: Path) -> None:
        found = record(self._contents["manifest.json"]).sha256
        if found != self.digest:
            raise BundleDamaged(f"{folder}: expected a manifest of SHA-256 {self.digest}, found {found}; send it again")
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
        for name, written in self._contents.items():
            file = folder / name
            file.write_bytes(written)
            file.chmod(0o644)
        self._contents = {}  # the worker has it on its disk now
        loaded(folder)


def loaded(folder: Path) -> Bundle:
    """Return the bundle in a folder, verified; a process holds one at a time, and its encoder runs on one thread."""
    with _loading:
        return _loaded(folder)


@lru_cache(maxsize=1)
def _loaded(folder: Path) -> Bundle:
    return load_bundle(folder, threads=1)


@dataclass(frozen=True, slots=True)
class Job:
    """Say how partitions are scored: from where, by the bundle of which digest, and to where.

    ``kinds`` are the columns of JSON lines that become Parquet. What is done is told under ``topic``.
    """

    source: AbstractFileSystem
    output: Output
    bundle: str
    options: Options
    topic: str
    kinds: Kinds | None = None

    def _bundle(self) -> Bundle:
        return loaded(Path(get_worker().local_directory) / self.bundle)

    def look(self, part: Partition) -> Kinds:
        """Return the columns of a partition of JSON lines."""
        with opened(self.source, part, self._bundle().model.axes, self.options) as source:
            return kinds_of(row.values for row in source.rows)

    def score(self, part: Partition) -> Part | Failure:
        """Score a partition into its part of the output and record it, or say why that cannot be."""
        try:
            return self._score(part)
        except (TableError, OSError, pa.ArrowException) as error:  # its bytes, its columns, its storage
            return Failure(place=part.place, reason=" ".join(str(error).split()))

    def _score(self, part: Partition) -> Part:
        began, worker, bundle = perf_counter(), get_worker(), self._bundle()
        axes, output = bundle.model.axes, self.output
        with opened(self.source, part, axes, self.options) as source:
            schema = source.schema
            if schema is None and output.form == "parquet":
                schema = pa.schema([(name, pa.type_for_alias(kind)) for name, kind in (self.kinds or {}).items()])

            def tell(found: Summary) -> None:
                worker.log_event(self.topic, (*part.key, found.rows, min(1.0, source.share())))

            with (
                output.writing(output.part(part)) as file,
                closing(sink_of(file, output.form, schema, axes, self.options, output.folder)) as sink,
            ):
                found = transfer(bundle, source, sink, self.options, tell)
        found.seconds = perf_counter() - began
        columns = {} if schema is None else {field.name: str(field.type) for field in schema}
        return output.record(part, columns, found)
