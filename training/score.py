"""Score a file of statements into another one, by the same road as the service's bulk."""

import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from rich.progress import Progress

from models.axes import Axis
from models.bundle import Bundle
from models.errors import StoreError, TableError
from models.stance import StanceModel
from models.table import BATCH, Form, Reader, Row, Writer, batches, check_names, columns, fault, scored, texts, writable

SUFFIXES: dict[str, Form | Literal["parquet"]] = {
    ".csv": "csv",
    ".jsonl": "ndjson",
    ".ndjson": "ndjson",
    ".parquet": "parquet",
}


@dataclass(slots=True)
class Summary:
    """Count what was scored: rows, errors by code, languages, and labels an axis with the uncertain ones apart."""

    rows: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    labels: dict[str, Counter[str]] = field(default_factory=dict)

    def count(self, added: Sequence[Mapping[str, Any]], axes: Sequence[Axis]) -> None:
        """Add rows to the counts."""
        self.rows += len(added)
        for row in added:
            if code := row.get("stance_error"):
                self.errors[code] += 1
                continue
            self.languages[row["stance_language"]] += 1
            for axis in axes:
                name = f"stance_{axis.name}"
                self.labels.setdefault(axis.name, Counter())[row[name] if row[f"{name}_certain"] else "uncertain"] += 1


def score(
    bundle: Bundle, source: Path, target: Path, text_column: str, encoding: str, spreadsheet: bool, overwrite: bool
) -> Summary:
    """Score a file into another, a batch in memory at a time; the suffixes say the forms of both.

    Raises:
        TableError: a suffix is unknown, the forms do not fit, or the file lacks the text column or has one of ours.
        StoreError: the target exists, or cannot be written; then it stands as it stood.
    """
    read, written = _form(source), _form(target)
    if read == "ndjson" and written != "ndjson":
        raise TableError(f"{target}: the columns of JSON lines are not known before their end; name a .jsonl file")
    if target.exists() and not overwrite:
        raise StoreError(f"{target}: exists; name another file, or say --overwrite")
    axes, found = bundle.model.axes, Summary()
    try:
        with source.open("rb") as file, Progress() as progress:
            task = progress.add_task("scoring", total=source.stat().st_size)
            if read == "parquet":
                schema, rows = _parquet(file, axes, text_column)
            else:
                reader = Reader(file, read, axes, text_column, encoding)
                schema, rows = pa.schema([(name, pa.string()) for name in reader.header or ()]), iter(reader)
            header = None if written == "ndjson" else schema.names
            with _beside(target) as beside:
                sink = (
                    _Parquet(beside, schema, axes) if written == "parquet" else _Text(beside, header, axes, spreadsheet)
                )
                with closing(sink):
                    for batch in batches(rows):
                        added = scored(bundle.manifest.version, batch, bundle.model.predict(texts(batch, text_column)))
                        sink.put(batch, added)
                        found.count(added, axes)
                        progress.update(task, completed=file.tell())
    except OSError as error:
        raise StoreError(f"{error.filename or target}: {error.strerror}; nothing was written") from error
    return found


def score_table(model: StanceModel, table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with the column ``text`` and the columns of the table form added, its index kept.

    Raises:
        TableError: there is no such column, or a column to add is already there.
    """
    check_names([str(name) for name in table.columns], "text", columns(model.axes))
    rows = [Row({"text": text}, fault(text)) for text in table["text"]]
    added = scored(model.version, rows, model.predict(texts(rows)))
    found = pd.DataFrame(added, columns=columns(model.axes), index=table.index)
    return pd.concat([table, found], axis="columns")


def _form(file: Path) -> Form | Literal["parquet"]:
    if file.suffix not in SUFFIXES:
        raise TableError(f"{file}: of no form known; its name ends in none of {', '.join(SUFFIXES)}")
    return SUFFIXES[file.suffix]


@contextmanager
def _beside(target: Path) -> Iterator[IO[bytes]]:
    """Open a file beside the target that takes its place once it is whole."""
    with tempfile.NamedTemporaryFile(dir=target.parent, suffix=".writing", delete=False) as file:
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
            os.replace(file.name, target)
        finally:
            Path(file.name).unlink(missing_ok=True)


def _parquet(file: IO[bytes], axes: tuple[Axis, ...], text_column: str) -> tuple[pa.Schema, Iterator[Row]]:
    try:
        table = pq.ParquetFile(file)
    except pa.ArrowInvalid as error:
        raise TableError(f"{file.name}: not Parquet; its name says that it is") from error
    check_names(table.schema_arrow.names, text_column, columns(axes))
    rows = (
        Row(values, fault(values[text_column])) for batch in table.iter_batches(BATCH) for values in batch.to_pylist()
    )
    return table.schema_arrow, rows


class _Text:
    """Write rows as CSV or JSON lines."""

    def __init__(
        self, file: IO[bytes], header: Sequence[str] | None, axes: tuple[Axis, ...], spreadsheet: bool
    ) -> None:
        self._file = file
        self._writer = Writer(header, axes, spreadsheet)
        file.write(self._writer.begin().encode())

    def put(self, rows: Sequence[Row], added: Sequence[Mapping[str, Any]]) -> None:
        self._file.write(self._writer.put(rows, added).encode())

    def close(self) -> None:
        """Leave the file as it is: a line that counts is for a stream, whose end nobody else tells."""


class _Parquet:
    """Write rows as Parquet, the columns that were there in their own types."""

    def __init__(self, file: IO[bytes], schema: pa.Schema, axes: tuple[Axis, ...]) -> None:
        added = [(name, _type(name)) for name in columns(axes)]
        self._schema = pa.schema([*schema, *(pa.field(*each) for each in added)])
        self._writer = pq.ParquetWriter(file, self._schema, compression="zstd")

    def put(self, rows: Sequence[Row], added: Sequence[Mapping[str, Any]]) -> None:
        merged = [
            {k: writable(v) if isinstance(v, str) else v for k, v in {**row.values, **new}.items()}
            for row, new in zip(rows, added, strict=True)
        ]
        self._writer.write_table(pa.Table.from_pylist(merged, self._schema))

    def close(self) -> None:
        """Write what ends the file."""
        self._writer.close()


def _type(name: str) -> pa.DataType:
    if name.endswith("_certain"):
        return pa.bool_()
    return pa.float64() if name.endswith("_confidence") or "_p_" in name else pa.string()
