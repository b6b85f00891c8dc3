"""The forms that rows of text are read from and written in, CSV, JSON lines and Parquet, a batch at a time."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import IO, Any, Literal, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from models.axes import Axis
from models.bundle import Bundle
from models.errors import TableError
from models.table import (
    BATCH,
    LONGEST_ARTICLE,
    LONGEST_TEXT,
    Form,
    Reader,
    Row,
    Writer,
    batches,
    check_names,
    columns,
    fault,
    statements,
    writable,
)
from training.answers import Answers
from training.summary import Summary

AnyForm = Form | Literal["parquet"]
SUFFIXES: dict[str, AnyForm] = {".csv": "csv", ".jsonl": "ndjson", ".ndjson": "ndjson", ".parquet": "parquet"}
ROW_GROUP = 4 << 20
"""Bytes of a row group that is written: some ten thousand statements, two minutes of one core."""
READ = 1 << 20
"""Bytes of a column of Parquet that are read at a time."""


@dataclass(frozen=True, slots=True)
class Options:
    """Say how rows are read and written; ``articles`` are split into statements first, a row each."""

    text_column: str = "text"
    encoding: str = "utf-8"
    spreadsheet: bool = False
    articles: bool = False

    @property
    def longest(self) -> int:
        """Return the characters of the longest text that is taken."""
        return LONGEST_ARTICLE if self.articles else LONGEST_TEXT


@dataclass(frozen=True, slots=True)
class Source:
    """Hold the rows of a file or a part of it, their columns (None for JSON lines), and which share is read."""

    schema: pa.Schema | None
    rows: Iterable[Row]
    share: Callable[[], float]


class Sink(Protocol):
    """Take rows and what is added to them."""

    def put(self, rows: Sequence[Row], added: Sequence[Mapping[str, Any]]) -> None:
        """Write rows."""

    def close(self) -> None:
        """Write what ends the file."""


def form_of(name: str) -> AnyForm:
    """Return the form that the suffix of a file says.

    Raises:
        TableError: it says none.
    """
    suffix = PurePath(name).suffix
    if suffix not in SUFFIXES:
        raise TableError(f"{name}: of no form known; its name ends in none of {', '.join(SUFFIXES)}")
    return SUFFIXES[suffix]


def text_source(file: IO[bytes], form: Form, axes: tuple[Axis, ...], options: Options, size: int) -> Source:
    """Open CSV or JSON lines of so many bytes.

    Raises:
        TableError: the encoding is unknown, the text column is missing, or a column to add is already there.
    """
    reader = Reader(file, form, axes, options.text_column, options.encoding, options.longest, options.articles)
    schema = None if reader.header is None else pa.schema([(name, pa.string()) for name in reader.header])
    return Source(schema, reader, lambda: file.tell() / max(1, size))


def parquet_source(
    file: IO[bytes], axes: tuple[Axis, ...], options: Options, groups: Sequence[int] | None = None
) -> Source:
    """Open Parquet, or some row groups of it.

    Raises:
        TableError: it is no Parquet, the text column is missing, or a column to add is already there.
    """
    table = parquet_file(file)
    check_names(table.schema_arrow.names, options.text_column, columns(axes, options.articles))
    groups = range(table.num_row_groups) if groups is None else groups
    total = sum(table.metadata.row_group(each).num_rows for each in groups) or 1
    read = 0

    def rows() -> Iterator[Row]:
        nonlocal read
        for batch in table.iter_batches(BATCH, row_groups=list(groups)):
            read += batch.num_rows
            for values in batch.to_pylist():
                yield Row(values, fault(values[options.text_column], options.longest))

    return Source(table.schema_arrow, rows(), lambda: read / total)


def parquet_file(file: IO[bytes]) -> pq.ParquetFile:
    """Open a file as Parquet.

    Raises:
        TableError: it is none.
    """
    try:
        return pq.ParquetFile(file, buffer_size=READ, pre_buffer=False)
    except pa.ArrowInvalid as error:
        raise TableError("not Parquet; its name says that it is") from error


def sink_of(
    file: IO[bytes],
    form: AnyForm,
    schema: pa.Schema | None,
    axes: tuple[Axis, ...],
    options: Options,
    headed: bool = True,
) -> Sink:
    """Make what writes rows with the columns of ``schema`` in a form; JSON lines need none.

    CSV that is not ``headed`` is a piece of a file that has its line of names already.
    """
    if form == "parquet":
        assert schema is not None  # noqa: S101
        return ParquetSink(file, schema, axes, options)
    header = None if form == "ndjson" or schema is None else schema.names
    return TextSink(file, header, axes, options, headed)


def transfer(bundle: Bundle, source: Source, sink: Sink, options: Options, tell: Callable[[Summary], None]) -> Summary:
    """Answer every row of a source and put it into a sink, a batch in memory at a time; ``tell`` how far it is."""
    axes, found = bundle.model.axes, Summary()
    rows = statements(source.rows, options.text_column) if options.articles else source.rows
    with Answers(bundle.model) as answers:
        for batch in batches(rows):
            added = answers.added(batch, options.text_column)
            sink.put(batch, added)
            found.count(added, axes)
            tell(found)
    return found


class TextSink:
    """Write rows as CSV with the columns of a header, or without one as JSON lines."""

    def __init__(
        self,
        file: IO[bytes],
        header: Sequence[str] | None,
        axes: tuple[Axis, ...],
        options: Options,
        headed: bool,
    ) -> None:
        self._file = file
        self._writer = Writer(header, axes, options.spreadsheet, options.articles)
        if headed:
            file.write(self._writer.begin().encode())

    def put(self, rows: Sequence[Row], added: Sequence[Mapping[str, Any]]) -> None:
        """Write rows."""
        self._file.write(self._writer.put(rows, added).encode())

    def close(self) -> None:
        """Leave the file as it is: a line that counts is for a stream, whose end nobody else tells."""


class ParquetSink:
    """Write rows as Parquet, the columns that were there in their own types."""

    def __init__(self, file: IO[bytes], schema: pa.Schema, axes: tuple[Axis, ...], options: Options) -> None:
        added = [(name, _type(name)) for name in columns(axes, options.articles)]
        self._schema = pa.schema([*schema, *(pa.field(*each) for each in added)])
        self._texts = {field.name for field in self._schema if pa.types.is_string(field.type)}
        self._writer = pq.ParquetWriter(file, self._schema, compression="zstd")
        self._waiting: list[pa.Table] = []

    def put(self, rows: Sequence[Row], added: Sequence[Mapping[str, Any]]) -> None:
        """Gather rows, and write them as a row group where there are enough."""
        merged = [self._written({**row.values, **new}) for row, new in zip(rows, added, strict=True)]
        self._waiting.append(pa.Table.from_pylist(merged, self._schema))
        if sum(table.nbytes for table in self._waiting) >= ROW_GROUP:
            self._flush()

    def close(self) -> None:
        """Write what waits, and what ends the file."""
        self._flush()
        self._writer.close()

    def _written(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return a row whose texts can be written; what is no text, but stands in a column of them, becomes JSON."""
        for name, value in row.items():
            if isinstance(value, str):
                row[name] = writable(value)
            elif value is not None and name in self._texts:
                row[name] = writable(json.dumps(value, ensure_ascii=False))
        return row

    def _flush(self) -> None:
        if self._waiting:
            self._writer.write_table(pa.concat_tables(self._waiting).combine_chunks(), row_group_size=1 << 30)
            self._waiting = []


def _type(name: str) -> pa.DataType:
    if name.endswith("_certain"):
        return pa.bool_()
    if name in ("stance_start", "stance_end"):
        return pa.int64()
    return pa.float64() if name.endswith("_confidence") or "_p_" in name else pa.string()
