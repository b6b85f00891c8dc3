"""Rows of corpus files: JSON lines, CSV and Parquet, each row with the place where it stands."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from models.errors import BadRow

ROOT = Path(__file__).parent.parent
REQUIRED = ("id", "lang", "text")
FORMS = (".jsonl", ".ndjson", ".csv", ".parquet")

Place = tuple[str, int]
"""A file and a line of it, from 1; 0 is the file as a whole."""
Row = dict[str, Any]


def shown(file: Path) -> str:
    """Return the name of a file for people: from the root of the project where it lies within."""
    file = file.resolve()
    return str(file.relative_to(ROOT)) if file.is_relative_to(ROOT) else str(file)


def read_rows(files: Sequence[Path], required: Sequence[str] = REQUIRED) -> tuple[list[Row], list[Place], list[BadRow]]:
    """Return all rows of all files, the place of each, and a fault for whatever is no row.

    The header of a CSV file must name the columns ``required``.
    """
    rows: list[Row] = []
    places: list[Place] = []
    faults: list[BadRow] = []
    for file in files:
        name = shown(file)
        try:
            file.stat()  # what is not there is told as that, whatever its form
            for line, row in _rows(file, required):
                if isinstance(row, str):
                    faults.append(BadRow(name, line, "(row)" if line else "(file)", row))
                else:
                    rows.append({key: _plain(value) for key, value in row.items()})
                    places.append((name, line))
        except OSError as error:
            faults.append(BadRow(name, 0, "(file)", f"cannot be read: {error.strerror or error}"))
        except pa.ArrowException:
            faults.append(BadRow(name, 0, "(file)", "is not Parquet"))
    if not rows and not faults:
        faults.append(BadRow(", ".join(map(shown, files)) or "data/corpus", 0, "(file)", "holds no row"))
    return rows, places, faults


def _plain(value: Any) -> Any:
    """Return dates as they are written here and empty cells as None."""
    if isinstance(value, date):
        return value.isoformat()[:10]
    return None if value == "" or value != value else value


def _rows(file: Path, required: Sequence[str]) -> Iterator[tuple[int, Row | str]]:
    """Yield each row of a file with its line, or the reason why it is none."""
    if file.suffix in (".jsonl", ".ndjson"):
        for line, content in enumerate(file.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
            if content.strip():
                yield line, _json_row(content)
    elif file.suffix == ".csv":
        yield from _csv_rows(file.read_bytes(), required)
    elif file.suffix == ".parquet":
        for line, row in enumerate(pq.read_table(file).to_pylist(), 1):
            yield line, {key: value for key, value in row.items() if not key.startswith("__index_level_")}
    else:
        yield 0, "is of no form that is read: .jsonl, .ndjson, .csv or .parquet; or is a folder without such files"


def _json_row(content: bytes) -> Row | str:
    twice: list[str] = []

    def once(pairs: list[tuple[str, Any]]) -> Row:
        row = dict(pairs)
        twice.extend(["a name stands twice"] if len(row) < len(pairs) else [])
        return row

    try:
        row = json.loads(content.decode("utf-8"), object_pairs_hook=once)
    except UnicodeDecodeError:
        return "not UTF-8"
    except (ValueError, RecursionError) as error:
        return f"not JSON: {error}"
    if not isinstance(row, dict):
        return "not a JSON object"
    return twice[0] if twice else row


def _csv_rows(content: bytes, required: Sequence[str]) -> Iterator[tuple[int, Row | str]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        yield content[: error.start].count(b"\n") + 1, "not UTF-8"
        return
    lines = list(io.StringIO(text, newline=""))  # a cell may hold whatever else Unicode takes for the end of a line
    if not lines:
        return
    reader = csv.reader(lines, delimiter=";" if lines[0].count(";") > lines[0].count(",") else ",", strict=True)
    head = [cell.strip() for cell in next(reader)]
    named = [cell for cell in head if cell]
    missing = [name for name in required if name not in head]
    if missing or len(set(named)) < len(named):
        lacking = f"names no {', '.join(missing)}" if missing else "names a column twice"
        yield 1, f"{lacking}: a header must name {', '.join(required)} and no column twice"
        return
    line = reader.line_num + 1
    try:
        for cells in reader:
            if any(cells[len(head) :]):
                yield line, "has more cells than the header"
            elif cells:
                yield line, {key: value for key, value in zip(head, cells, strict=False) if key}
            line = reader.line_num + 1
    except csv.Error as error:
        yield line, f"not CSV: {error}"
