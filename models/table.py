"""The table form: rows of text in, the same rows and the model's columns out, for service and training alike.

Files are JSON lines or CSV and are read and written row by row, so that memory does not grow with them. A bad row
keeps its place and gets ``stance_error``.
"""

import csv
import io
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import IO, Any, Literal

from models.axes import Axis
from models.errors import TableError
from models.lines import LONGEST_LINE, Lines, parsed
from models.stance import Prediction
from models.text import UNWRITABLE, digest, split

Form = Literal["ndjson", "csv"]
BATCH = 256
"""Rows read, answered and written at a time, ..."""
BATCH_SIZE = 1 << 18
"""... or so much of them, by ``Row.size``: a row of JSON may take thirty times its bytes in memory."""
LONGEST_TEXT = 4_000
"""Characters: ten times a long statement. A longer text is an article, to be split before it is scored."""
LONGEST_ARTICLE = 100_000
"""Characters of a text that is split before it is scored: a long report, an eighth of a novel."""
DELIMITERS = ",;\t"
LONGEST_NAME, MOST_NAMES = 30, 10
"""Characters of a column's name that an error may tell, and how many of them."""
ARTICLE = ("stance_article", "stance_start", "stance_end")
"""Columns that a statement of an article has besides: the digest of the article's text, and its place in there."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet runs as a formula."""


@dataclass(frozen=True, slots=True)
class Row:
    """Hold a row as it was read, the code of what is wrong with it, if anything is, and how much was read for it."""

    values: Mapping[str, Any]
    fault: str | None = None
    size: int = 0


def columns(axes: tuple[Axis, ...], articles: bool = False) -> list[str]:
    """Return the names of the columns that scoring adds, in their order; ``articles`` are split into statements."""
    added = [*(ARTICLE if articles else ()), "stance_language", "stance_version", "stance_error"]
    for axis in axes:
        name = f"stance_{axis.name}"
        added += [name, f"{name}_confidence", f"{name}_certain", f"{name}_reason"]
        added += [f"{name}_p_{label}" for label in axis.labels]
    return added


class Reader:
    """Read the rows of a file, each checked: a text that can be scored, or a fault.

    ``header`` are the columns of a CSV file, None for JSON lines. A CSV file may begin with a byte order mark and part
    its cells by comma, semicolon or tab.

    Raises:
        TableError: the encoding is unknown, the text column is missing, or a column to add is already there.
    """

    def __init__(
        self,
        file: IO[bytes],
        form: Form,
        axes: tuple[Axis, ...],
        text_column: str = "text",
        encoding: str = "utf-8",
        longest: int = LONGEST_TEXT,
        articles: bool = False,
    ) -> None:
        self._file = file
        self._text = text_column
        self._longest = longest
        self._taken = frozenset(columns(axes, articles))
        self.header: tuple[str, ...] | None = None
        if form == "csv":
            self._cells = self._open(encoding)

    def _open(self, encoding: str) -> Iterator[list[str]]:
        def likely(delimiter: str) -> tuple[bool, int]:
            return self._text in next(csv.reader([start], delimiter=delimiter), []), start.count(delimiter)

        try:
            lines = Lines(io.TextIOWrapper(self._file, encoding, errors="surrogateescape", newline=""))
            start = next(lines, "").removeprefix("\ufeff")
            # The header may hold a line break in quotes, so the reader that is chosen reads on from it.
            cells = csv.reader(chain([start], lines), delimiter=max(DELIMITERS, key=likely))
            header = next(cells, [])
        except csv.Error as error:
            raise TableError(
                f"the line of names is longer than {LONGEST_LINE} characters; is a quotation mark left open in it?"
            ) from error
        except (LookupError, ValueError) as error:
            raise TableError(f"the encoding {encoding!r} is unknown or not that of the file; name another") from error
        check_names(header, self._text, self._taken)
        self.header = tuple(header)
        self._lines = lines
        return cells

    def __iter__(self) -> Iterator[Row]:
        """Yield the rows in their order."""
        return self._csv(self.header) if self.header is not None else self._ndjson()

    def _csv(self, header: tuple[str, ...]) -> Iterator[Row]:
        none = dict.fromkeys(header, "")
        while True:
            self._lines.begin()
            try:
                cells = next(self._cells)
            except StopIteration:
                break
            except csv.Error:
                yield Row(none, "line_too_long")
                continue
            except UnicodeError:  # an encoding whose bytes cannot be passed over one by one: nothing after is legible
                yield Row(none, "invalid_character")
                break
            if not cells:  # a blank line
                continue
            values = dict(zip(header, [*cells, *[""] * len(header)], strict=False))
            found = "invalid_row" if len(cells) != len(header) else fault(values[self._text], self._longest)
            yield Row(values, found, self._lines.came + len(header))
        self._lines.detach()  # the file is its owner's to close

    def _ndjson(self) -> Iterator[Row]:
        while line := self._file.readline(LONGEST_LINE):
            if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
                while (rest := self._file.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
                    pass
                yield Row({}, "line_too_long")
            elif line.strip():
                yield self._object(line)

    def _object(self, line: bytes) -> Row:
        try:
            values = parsed(line)
        except (ValueError, RecursionError):
            return Row({}, "invalid_json")
        if not isinstance(values, dict):
            return Row({}, "invalid_row")
        if self._taken & values.keys():
            return Row({k: v for k, v in values.items() if k not in self._taken}, "name_taken", len(line))
        return Row(values, fault(values.get(self._text), self._longest), len(line))


def check_names(names: Sequence[str], text_column: str, taken: Collection[str]) -> None:
    """Refuse columns that rows of text cannot have.

    Raises:
        TableError: the text column is missing, a name stands twice, or a column to add is already there.
    """
    if text_column not in names:
        # Where the line of names is missing a text stands in its place, and an error repeats none.
        told = [name for name in names if name.isidentifier() and len(name) <= LONGEST_NAME][:MOST_NAMES]
        rest = [f"{len(names) - len(told)} more"] if len(told) < len(names) else []
        raise TableError(f"no column {text_column!r}; there are: {', '.join([*told, *rest]) or 'none'}")
    if len(set(names)) < len(names):
        raise TableError("two columns have the same name; rename one")
    if clash := [name for name in names if name in taken]:
        raise TableError(f"the table already has {', '.join(clash)}; rename or drop them")


def fault(text: object, longest: int = LONGEST_TEXT) -> str | None:
    """Return the code of what keeps a text from being scored, None where nothing does."""
    if not isinstance(text, str):
        return "missing_text"
    if UNWRITABLE.search(text):
        return "invalid_character"
    if not text.strip():
        return "blank_text"
    return "text_too_long" if len(text) > longest else None


def batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Yield rows in batches of a size that is answered in about a second."""
    batch: list[Row] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += row.size
        if len(batch) == BATCH or size >= BATCH_SIZE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def statements(rows: Iterable[Row], text_column: str) -> Iterator[Row]:
    """Split the texts of rows into statements, a row each, which keeps all else that the row of its article held."""
    for row in rows:
        if row.fault:
            yield row
            continue
        article = row.values[text_column]
        found = split(article)
        if not found:
            yield Row(row.values, "no_statement")
        name = digest(article)
        for each in found:
            place = dict(zip(ARTICLE, (name, each.start, each.end), strict=True))
            yield Row({**row.values, text_column: each.text, **place}, fault(each.text))


def texts(rows: Sequence[Row], text_column: str = "text") -> list[str]:
    """Return the texts of the rows that can be scored."""
    return [row.values[text_column] for row in rows if row.fault is None]


def scored(version: str, rows: Sequence[Row], predictions: Sequence[Prediction]) -> list[dict[str, Any]]:
    """Return the columns added to each row; ``predictions`` answer the rows without a fault, in order."""
    left = iter(predictions)
    return [
        {"stance_version": version, "stance_error": row.fault} if row.fault else answer(version, next(left))
        for row in rows
    ]


def answer(version: str, prediction: Prediction) -> dict[str, Any]:
    """Return a prediction in the table form."""
    row: dict[str, Any] = {"stance_language": prediction.language, "stance_version": version}
    for axis, stance in prediction.stances.items():
        name = f"stance_{axis}"
        row[name] = stance.label
        row[f"{name}_confidence"] = round(stance.confidence, 4)
        row[f"{name}_certain"] = stance.certain
        row[f"{name}_reason"] = stance.reason
        row |= {f"{name}_p_{label}": round(p, 4) for label, p in stance.probabilities.items()}
    return row


class Writer:
    """Put rows and what was added to them into the form of the file that they came from.

    With ``spreadsheet`` a cell of a CSV file that a spreadsheet would run as a formula is led by an apostrophe.
    """

    def __init__(
        self,
        header: Sequence[str] | None,
        axes: tuple[Axis, ...],
        spreadsheet: bool = False,
        articles: bool = False,
    ) -> None:
        self._header = None if header is None else [*header, *columns(axes, articles)]
        self._spreadsheet = spreadsheet
        self.rows = self.errors = 0

    def begin(self) -> str:
        """Return what stands before the rows."""
        return "" if self._header is None else self._csv([self._header])

    def put(self, rows: Sequence[Row], added: Sequence[Mapping[str, Any]]) -> str:
        """Return rows as they are written, and count them."""
        self.rows += len(rows)
        self.errors += sum(row.fault is not None for row in rows)
        merged = [{**row.values, **found} for row, found in zip(rows, added, strict=True)]
        if self._header is not None:
            return self._csv([[_cell(row.get(name)) for name in self._header] for row in merged])
        return "".join(writable(json.dumps(row, ensure_ascii=False, default=str)) + "\n" for row in merged)

    def end(self) -> str:
        """Return what stands after the rows: JSON lines end with a count, by which a whole answer is known."""
        if self._header is not None:
            return ""
        return json.dumps({"done": True, "rows": self.rows, "errors": self.errors}) + "\n"

    def _csv(self, rows: Iterable[Sequence[str]]) -> str:
        page = io.StringIO()
        writer = csv.writer(page, lineterminator="\r\n")
        for cells in rows:
            led = ("'" if self._spreadsheet and cell.startswith(FORMULA) else "" for cell in cells)
            writer.writerow([sign + writable(cell) for sign, cell in zip(led, cells, strict=True)])
        return page.getvalue()


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def writable(text: str) -> str:
    """Put the sign for an unknown character where half a surrogate pair, or a byte of another encoding, stands."""
    return UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", text)
