"""What a large input falls into: files, and parts of files that are scored one by one."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, cast

import pyarrow as pa
from dask.base import compute
from dask.delayed import delayed
from fsspec import AbstractFileSystem
from fsspec.core import has_magic, url_to_fs
from fsspec.utils import seek_delimiter

from models.axes import Axis
from models.errors import StoreError, TableError
from training.forms import SUFFIXES, AnyForm, Options, Source, form_of, parquet_file, parquet_source, text_source
from training.summary import Failure

BLOCK = 4 << 20
"""Bytes of JSON lines in a partition: some ten thousand statements, two minutes of one core."""
SOUGHT = 1 << 16
"""Bytes that are looked through at a time for the end of a line."""
LOOKED_AT = 16
"""Files whose size, or whose footer of Parquet, is asked for at once: mostly one waits for the storage."""


Key = tuple[int, int]
"""A file of an input and a part of that file, by their numbers."""


@dataclass(frozen=True, slots=True)
class File:
    """Name a file of the input, its place below the input, its size in bytes, and a key that changes when it does."""

    path: str
    name: str
    size: int
    key: str

    @property
    def form(self) -> AnyForm:
        """Return the form that its name says."""
        return form_of(self.path)


@dataclass(frozen=True, slots=True)
class Partition:
    """Name a part of a file: a row group of Parquet, a block of JSON lines from byte ``start``, or all of CSV.

    ``number`` is that of the file in the input and ``index`` that of the part in the file; ``size`` is in bytes.
    """

    file: File
    number: int
    index: int
    start: int
    size: int

    @property
    def key(self) -> Key:
        """Return what orders the parts of an input and stays the same whatever else of it cannot be read."""
        return self.number, self.index

    @property
    def form(self) -> AnyForm:
        """Return the form of the file."""
        return self.file.form

    @property
    def place(self) -> str:
        """Name the part for people."""
        if self.form == "parquet":
            return f"{self.file.path}, row group {self.index}"
        return f"{self.file.path}, from byte {self.start}" if self.form == "ndjson" else self.file.path


def filesystem(url: str) -> tuple[AbstractFileSystem, str]:
    """Return the file system of an address or a path, and the path in there.

    Raises:
        StoreError: what speaks to such a storage is not installed, or there is no such storage.
    """
    try:
        fs, path = url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise StoreError(f"{url}: {error}") from error
    return fs, path


def files_of(fs: AbstractFileSystem, path: str) -> list[File]:
    """List the files of an input in order: one, those that a pattern means, or those of a known form in a folder.

    What begins with a dot or an underscore, as what others write beside their data does, is left out of a folder.

    Raises:
        TableError: there is none, or one is of no form known.
        StoreError: the storage cannot be read.
    """
    try:
        if fs.isfile(path) or not (has_magic(path) or fs.isdir(path)):
            paths, above = [path], path.rpartition("/")[0]
        elif has_magic(path):
            paths, above = sorted(fs.glob(path)), re.split(r"[*?\[]", path)[0].rpartition("/")[0]
        else:
            paths, above = [each for each in sorted(fs.find(path)) if _wanted(each, path)], path.rstrip("/")
        for each in paths:
            form_of(each)
        tasks = [delayed(_file)(fs, each, each[len(above) :].lstrip("/")) for each in paths]
        found = compute(*tasks, scheduler="threads", num_workers=LOOKED_AT)
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror or error}); nothing was written") from error
    if not found:
        raise TableError(f"{path}: no file there whose name ends in one of {', '.join(SUFFIXES)}")
    return list(found)


def _wanted(path: str, above: str) -> bool:
    inner = PurePosixPath(path[len(above) :].lstrip("/"))
    return inner.suffix in SUFFIXES and not any(part.startswith((".", "_")) for part in inner.parts)


def _file(fs: AbstractFileSystem, path: str, name: str) -> File:
    return File(path, name, int(fs.size(path) or 0), fs.ukey(path))


def partitions_of(fs: AbstractFileSystem, files: list[File]) -> tuple[list[Partition], list[Failure]]:
    """Cut files into partitions, in order; what cannot be cut is named."""
    tasks = [delayed(_cut)(fs, file, number) for number, file in enumerate(files)]
    cut = compute(*tasks, scheduler="threads", num_workers=LOOKED_AT)
    parts = [part for found in cut if isinstance(found, list) for part in found]
    return parts, [found for found in cut if isinstance(found, Failure)]


def _cut(fs: AbstractFileSystem, file: File, number: int) -> list[Partition] | Failure:
    if file.form == "csv":  # whether a place in it lies in quotes is known only from the beginning on
        return [Partition(file, number, 0, 0, file.size)]
    if file.form == "ndjson":
        starts = range(0, max(file.size, 1), BLOCK)
        return [Partition(file, number, i, at, min(BLOCK, file.size - at)) for i, at in enumerate(starts)]
    try:
        with fs.open(file.path, "rb") as raw:
            metadata = parquet_file(raw).metadata
    except (TableError, OSError, pa.ArrowException) as error:
        return Failure(place=file.path, reason=" ".join(str(error).split()))
    sizes = [metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups)]
    return [Partition(file, number, i, 0, size) for i, size in enumerate(sizes)] or [Partition(file, number, -1, 0, 0)]


@contextmanager
def opened(fs: AbstractFileSystem, part: Partition, axes: tuple[Axis, ...], options: Options) -> Iterator[Source]:
    """Open the rows of a partition.

    Raises:
        TableError: the file is not what its name says, lacks the text column or has one of ours.
    """
    with io.BufferedReader(fs.open(part.file.path, "rb")) as file:
        if part.form == "parquet":
            yield parquet_source(file, axes, options, [part.index] if part.index >= 0 else [])
        elif part.form == "csv":
            yield text_source(file, "csv", axes, options, part.size)
        else:
            block = cast("IO[bytes]", Block(file, part.start, part.size))
            yield text_source(block, "ndjson", axes, options, part.size)


class Block:
    """Read the lines of a file that begin in a block of its bytes, each to its end; blocks in a row share no line."""

    def __init__(self, file: IO[bytes], start: int, size: int) -> None:
        self._file = file
        self._start, self._end = start, start + size
        # A line that begins where a block does belongs to the block before, for all that blocks know of each other.
        file.seek(start)
        if start:
            seek_delimiter(file, b"\n", SOUGHT)

    def readline(self, size: int) -> bytes:
        """Return so many bytes of a line, none after the last line of the block."""
        return self._file.readline(size) if self._file.tell() <= self._end else b""

    def tell(self) -> int:
        """Return how many bytes of the block are read."""
        return self._file.tell() - self._start
