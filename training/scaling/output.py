"""Where a large input is scored to: finished parts, what they count, and the plan by which a run goes on."""

import io
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO
from uuid import uuid4

import pyarrow.parquet as pq
from dask.base import compute
from dask.delayed import delayed
from fsspec import AbstractFileSystem
from pydantic import BaseModel, ValidationError

from models.axes import Axis
from models.errors import StoreError
from models.table import Writer
from training.forms import AnyForm, Options, form_of
from training.scaling.partitions import BLOCK, LOOKED_AT, File, Key, Partition, filesystem
from training.summary import Failure, Summary


class Plan(BaseModel, frozen=True):
    """Say all that the bytes of an output follow from: what is read, by the bundle of which digest, and how."""

    bundle: str
    files: tuple[File, ...]
    options: Options
    form: AnyForm
    block: int = BLOCK


class Part(BaseModel, frozen=True):
    """Record a finished part: its bytes, the columns of its input with their types, and what it counts."""

    size: int
    columns: dict[str, str]
    summary: Summary


@dataclass(frozen=True, slots=True)
class Output:
    """Name a file or folder to be written, and beside or in it the folder ``work`` in which a run keeps its records.

    There lie ``run.json``, the plan; a record of each finished part, by its key; and where one file is written, the
    parts themselves until they are joined. In a folder ``summary.json`` says that the run has ended.
    """

    fs: AbstractFileSystem
    path: str
    form: AnyForm
    folder: bool

    @classmethod
    def at(cls, url: str) -> "Output":
        """Name the output at a path or an address; without a suffix it is a folder of Parquet.

        Raises:
            TableError: the suffix says no form.
            StoreError: there is no such storage.
        """
        fs, path = filesystem(url)
        folder = url.endswith("/") or not PurePosixPath(path).suffix
        return cls(fs, path, "parquet" if folder else form_of(path), folder)

    @property
    def work(self) -> str:
        """Return the folder of the records."""
        return f"{self.path}/_score" if self.folder else f"{self.path}.scoring"

    def part(self, part: Partition) -> str:
        """Return where the part of a partition lies."""
        if self.folder:
            return f"{self.path}/{part.file.name}-{max(part.index, 0):05}.parquet"
        return f"{self.work}/{_name(part)}.part"

    def _record(self, part: Partition) -> str:
        return f"{self.work}/{_name(part)}.json"

    def begin(self, plan: Plan, overwrite: bool) -> None:
        """Write the plan down, or go on by it where it was begun.

        Raises:
            StoreError: the output exists, another plan was begun there, or nothing can be written.
        """
        run = f"{self.work}/run.json"
        with self._told():
            self.fs.invalidate_cache()
            if self.fs.exists(run):
                ended = self.fs.exists(f"{self.work}/summary.json")
                differs = _differences(self.fs.cat_file(run), plan)
                if not ended and not differs:
                    return
                if not overwrite:
                    begun = f"a run with other {', '.join(differs)} was begun there and has not ended"
                    raise StoreError(
                        f"{self.path}: {'exists' if ended else begun}; name another place, or say --overwrite"
                    )
                self.fs.rm(self.path if self.folder else self.work, recursive=True)
            elif self.folder and self._foreign():
                raise StoreError(f"{self.path}: exists, and `score` did not write it; name another folder")
            elif not self.folder and self.fs.exists(self.path) and not overwrite:
                raise StoreError(f"{self.path}: exists; name another place, or say --overwrite")
            self.fs.makedirs(self.work, exist_ok=True)
            self._write(run, plan.model_dump_json(indent=1))

    def _foreign(self) -> list[str]:
        """List what lies in the folder but is not the place of the records, where a run was killed at its beginning."""
        there = self.fs.ls(self.path, detail=False) if self.fs.exists(self.path) else []
        return [each for each in there if each.rstrip("/") not in (self.path, self.work)]

    def finished(self, parts: Sequence[Partition]) -> dict[Key, Part]:
        """Return the records of the parts that are finished, by the key of the partition."""
        with self._told():
            self.fs.invalidate_cache()
            there = self.fs.find(self.path if self.folder else self.work, detail=True)
            recorded = [part for part in parts if self._record(part) in there]
            tasks = [delayed(self.fs.cat_file)(self._record(part)) for part in recorded]
            written = compute(*tasks, scheduler="threads", num_workers=LOOKED_AT)
        found = {part.key: Part.model_validate_json(text) for part, text in zip(recorded, written, strict=True)}
        sizes = {part.key: there.get(self.part(part), {}).get("size") for part in recorded}
        return {key: record for key, record in found.items() if record.size == sizes[key]}

    @contextmanager
    def writing(self, path: str) -> Iterator[IO[bytes]]:
        """Open a file that takes its place once it is whole."""
        beside = f"{self.work}/{uuid4().hex}.writing"
        try:
            with self.fs.open(beside, "wb") as file:
                yield file
                file.flush()
                with suppress(io.UnsupportedOperation):  # what is no file of this machine
                    os.fsync(file.fileno())
            self.fs.makedirs(path.rpartition("/")[0], exist_ok=True)
            self.fs.mv(beside, path)
        except BaseException:
            with suppress(OSError):
                self.fs.rm_file(beside)
            raise

    def record(self, part: Partition, columns: dict[str, str], summary: Summary) -> Part:
        """Record a part whose file lies in its place."""
        found = Part(size=self.fs.size(self.part(part)), columns=columns, summary=summary)
        self._write(self._record(part), found.model_dump_json())
        return found

    def end(
        self, parts: Sequence[tuple[Partition, Part]], axes: tuple[Axis, ...], options: Options, summary: Summary
    ) -> None:
        """Join the parts where one file is written; clear up where nothing failed, else leave all for another try.

        Parts whose columns are not those of the first are left out, and counted as failed.
        """
        with self._told():
            if not self.folder and parts:
                first, columns = parts[0][0], self._columns(parts[0][1])
                reason = f"its columns are not those of {first.place}; to have all of them name a folder as OUTPUT"
                unlike = [part for part, record in parts if self._columns(record) != columns]
                summary.failures += [Failure(place=part.place, reason=reason) for part in unlike]
                self._join([each for each in parts if self._columns(each[1]) == columns], axes, options)
            if self.folder:
                for file in self.fs.ls(self.work, detail=False):
                    if file.endswith(".writing"):  # of a process that was killed
                        self.fs.rm_file(file)
            if self.folder and not summary.failures:
                self._write(f"{self.work}/summary.json", summary.model_dump_json(indent=1))
            elif not self.folder and not (summary.failures and parts):
                self.fs.rm(self.work, recursive=True)

    def _columns(self, part: Part) -> object:
        return part.columns if self.form == "parquet" else list(part.columns)

    def _join(self, parts: Sequence[tuple[Partition, Part]], axes: tuple[Axis, ...], options: Options) -> None:
        with self.writing(self.path) as file:
            if self.form == "parquet":
                self._join_parquet([self.part(part) for part, _ in parts], file)
                return
            if self.form == "csv":
                names = list(parts[0][1].columns)
                file.write(Writer(names, axes, options.spreadsheet, options.articles).begin().encode())
            for part, _ in parts:
                with self.fs.open(self.part(part), "rb") as piece:
                    shutil.copyfileobj(piece, file)

    def _join_parquet(self, paths: Sequence[str], file: IO[bytes]) -> None:
        writer: pq.ParquetWriter | None = None
        for path in paths:
            with self.fs.open(path, "rb") as piece:
                read = pq.ParquetFile(piece)
                writer = writer or pq.ParquetWriter(file, read.schema_arrow, compression="zstd")
                for group in range(read.num_row_groups):
                    table = read.read_row_group(group).replace_schema_metadata(writer.schema.metadata)
                    writer.write_table(table, row_group_size=1 << 30)
        if writer:
            writer.close()

    def _write(self, path: str, text: str) -> None:
        with self.writing(path) as file:
            file.write(text.encode())

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError(f"{error.filename or self.path}: {error.strerror or error}") from error


def _name(part: Partition) -> str:
    return f"{part.number:06}-{max(part.index, 0):06}"


def _differences(written: bytes, plan: Plan) -> list[str]:
    """Name what another plan has otherwise."""
    try:
        begun = Plan.model_validate_json(written)
    except ValidationError:
        return ["release of this program"]
    return [name for name in Plan.model_fields if getattr(begun, name) != getattr(plan, name)]
