"""The corpus: labelled statements read from files, validated as a whole, each in its part.

A corpus file is JSON lines, CSV or Parquet, one statement a row. ``data/README.md`` describes the columns.
"""

import csv
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from pandera.errors import SchemaErrors
from pandera.pandas import Check, Column, DataFrameSchema

from models.axes import Axis
from models.errors import BadRow, CorpusError
from models.manifest import CorpusRecord
from models.text import digest

DATA = Path(__file__).parent.parent / "data"
AXES = DATA / "axes.toml"
GOLD = DATA / "gold-dev.jsonl"
LANGUAGES = ("ru", "uk", "en")
PROVENANCES = ("grounded", "composed", "corrected")
KINDS = (
    "agency",
    "headline",
    "quotation",
    "interview",
    "column",
    "expert",
    "post",
    "parliament",
    "poll",
    "background",
)
LONGEST_TEXT = 2_000
"""Characters: a statement is a sentence or two; a longer text is an article that was not split."""
ENCODER_SHARE, HEADS_SHARE = 0.65, 0.85
"""Upper bounds of the parts ``encoder`` and ``heads``; what lies above is ``exam``."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """Hold valid rows, their parts and what was left out.

    ``frame`` has the columns of the file form and ``digest`` and ``part``; a missing label or value is None.
    ``left_out`` counts corrected rows whose text stands in the exam or in the outside check.
    """

    frame: pd.DataFrame
    axes: tuple[Axis, ...]
    record: CorpusRecord
    left_out: int

    def part(self, *names: str) -> pd.DataFrame:
        """Return the rows of the named parts."""
        return self.frame[self.frame["part"].isin(names)]


def part_of(group: str) -> str:
    """Return the part of every row of a group; it follows from the name of the group alone.

    >>> part_of("p-bb6d76c1d8")
    'exam'
    """
    share = int(hashlib.sha256(group.encode()).hexdigest()[:8], 16) / 2**32
    return "encoder" if share < ENCODER_SHARE else "heads" if share < HEADS_SHARE else "exam"


def default_files() -> list[Path]:
    """Return the files that a fit reads when none is named."""
    return sorted((DATA / "corpus").glob("*.jsonl"))


def read_corpus(files: Sequence[Path], axes: tuple[Axis, ...], gold: Path | None = GOLD) -> Corpus:
    """Read and validate corpus files together; texts that stand in ``gold`` are refused.

    Raises:
        CorpusError: names every bad row of every file by file, line, column and reason.
    """
    frame, places, faults = _read(files)
    faults += _breaches(frame, places, axes)
    held = _digests(gold)
    if not faults:
        frame = _completed(frame, axes)
        faults = _repeated(frame, places, held)
    if faults:
        raise CorpusError(sorted(faults, key=lambda row: (row.file, row.line, row.column)))
    kept, left_out = _settled(frame, held)
    record = CorpusRecord(digest=_corpus_digest(kept), rows=len(kept), files=tuple(_shown(file) for file in files))
    present = tuple(axis for axis in axes if kept[axis.name].notna().any())
    return Corpus(kept, present, record, left_out)


def _shown(file: Path) -> str:
    root, file = DATA.parent, file.resolve()
    return str(file.relative_to(root)) if file.is_relative_to(root) else str(file)


Place = tuple[str, int]
"""A file and a line of it, from 1."""


def _bad(place: Place, column: str, reason: str) -> BadRow:
    return BadRow(place[0], place[1], column, reason)


def _read(files: Sequence[Path]) -> tuple[pd.DataFrame, list[Place], list[BadRow]]:
    """Return all rows, the file and line of each, and what is no row at all."""
    rows: list[dict[str, Any]] = []
    places: list[Place] = []
    faults: list[BadRow] = []
    for file in files:
        try:
            for line, row in _rows(file):
                if isinstance(row, dict):
                    rows.append({name: None if value == "" else value for name, value in row.items()})
                    places.append((_shown(file), line))
                else:
                    faults.append(BadRow(_shown(file), line, "(row)", row))
        except OSError as error:
            faults.append(BadRow(_shown(file), 0, "(file)", f"cannot be read: {error.strerror or error}"))
        except (csv.Error, ValueError) as error:
            faults.append(BadRow(_shown(file), 0, "(file)", f"cannot be read: {error}"))
    if not rows and not faults:
        faults.append(BadRow(", ".join(map(_shown, files)) or "data/corpus", 0, "(file)", "holds no row"))
    frame = pd.DataFrame(rows, dtype=object)
    return frame.where(frame.notna(), None), places, faults


def _rows(file: Path) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """Yield each row of a file with its line, or with the reason why it is none."""
    if file.suffix in (".jsonl", ".ndjson"):
        with file.open(encoding="utf-8-sig") as lines:
            for line, content in enumerate(lines, 1):
                if content.strip():
                    yield line, _json_row(content)
    elif file.suffix == ".csv":
        with file.open(encoding="utf-8-sig", newline="") as lines:
            head = lines.readline()
            lines.seek(0)
            reader = csv.DictReader(lines, delimiter=";" if head.count(";") > head.count(",") else ",", strict=True)
            line = 2
            for row in reader:
                yield line, "has more cells than the header" if None in row else row
                line = reader.line_num + 1
    elif file.suffix == ".parquet":
        for line, row in enumerate(pq.read_table(file).to_pylist(), 1):
            yield line, row
    else:
        raise ValueError("expected .jsonl, .csv or .parquet")


def _json_row(content: str) -> dict[str, Any] | str:
    try:
        row = json.loads(content)
    except (ValueError, RecursionError) as error:
        return f"not JSON: {error}"
    return row if isinstance(row, dict) else "not a JSON object"


def _one_of(values: Iterable[str]) -> Check:
    allowed = tuple(values)
    return Check(lambda value: value in allowed, element_wise=True, error=f"is not one of {', '.join(allowed)}")


def _matches(pattern: str, reason: str) -> Check:
    return Check.str_matches(f"^(?:{pattern})$", error=reason)


def _schema(axes: Sequence[Axis]) -> DataFrameSchema:
    text = Check(lambda value: isinstance(value, str) and bool(value.strip()), element_wise=True, error="is not a text")
    short = Check(
        lambda value: not isinstance(value, str) or len(value) <= LONGEST_TEXT,
        element_wise=True,
        error=f"is longer than {LONGEST_TEXT} characters; split it into statements",
    )
    optional = {
        "provenance": _one_of(PROVENANCES),
        "kind": _one_of(KINDS),
        "trait": _matches("[a-z_]+", "is not a name of lower-case letters and underscores"),
        "group": text,
        "holder": text,
        "date": _matches(r"\d{4}(-\d{2}(-\d{2})?)?", "is not YYYY, YYYY-MM or YYYY-MM-DD"),
        "source_url": _matches(r"https?://\S+", "is not a web address"),
    }
    return DataFrameSchema(
        {
            "id": Column(object, text, unique=True, report_duplicates="exclude_first"),
            "lang": Column(object, _one_of(LANGUAGES)),
            "text": Column(object, [text, short]),
            **{axis.name: Column(object, _one_of(axis.labels), nullable=True) for axis in axes},
            **{name: Column(object, check, nullable=True) for name, check in optional.items()},
        }
    )


def _breaches(frame: pd.DataFrame, places: Sequence[Place], axes: Sequence[Axis]) -> list[BadRow]:
    """Return every breach of the schema: pandera finds them, this names their places."""
    schema = _schema(axes)
    known = list(schema.columns)
    faults = []
    for name in frame.columns.difference(known):
        first = int(frame[name].notna().to_numpy().argmax())
        faults.append(_bad(places[first], str(name), f"unknown; known: {', '.join(known)}"))
    frame = frame.reindex(columns=known).astype(object)
    frame = frame.where(frame.notna(), None)
    try:
        schema.validate(frame, lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases
        for column, check, index in zip(cases["column"], cases["check"], cases["index"], strict=True):
            faults.append(_bad(places[int(index)], str(column), REASONS.get(str(check), str(check))))
    names = [axis.name for axis in axes]
    unlabelled = np.flatnonzero(frame[names].isna().all(axis="columns")).tolist()
    return faults + [_bad(places[i], "(row)", f"has a label on no axis ({', '.join(names)})") for i in unlabelled]


REASONS = {"not_nullable": "is missing", "field_uniqueness": "stands twice"}
"""What pandera calls its own checks, in words."""


def _completed(frame: pd.DataFrame, axes: Sequence[Axis]) -> pd.DataFrame:
    frame = frame.reindex(columns=list(_schema(axes).columns)).astype(object)
    frame = frame.where(frame.notna(), None)
    frame["group"] = frame["group"].where(frame["group"].notna(), frame["id"])
    frame["digest"] = [digest(text) for text in frame["text"]]
    frame["part"] = [part_of(group) for group in frame["group"]]
    return frame


def _repeated(frame: pd.DataFrame, places: Sequence[Place], held: frozenset[str]) -> list[BadRow]:
    """Return the rows whose text stands twice or in the outside check; corrected rows may repeat a text."""
    first: dict[str, Place] = {}
    faults = []
    for i in np.flatnonzero(frame["provenance"] != "corrected").tolist():
        text = frame["digest"].iloc[i]
        if text in held:
            reason = "stands in data/gold-dev.jsonl, the outside check, which is never trained on; take it out"
            faults.append(_bad(places[i], "text", reason))
        if text in first:
            faults.append(_bad(places[i], "text", "stands already in {}:{}".format(*first[text])))
        first.setdefault(text, places[i])
    return faults


def _settled(frame: pd.DataFrame, held: frozenset[str]) -> tuple[pd.DataFrame, int]:
    """Put corrected rows in their place; return the rows that stay and how many corrected ones were left out.

    A corrected row takes the place of the row that it corrects and always trains; where its text or its group is
    examined, it is left out, for the exam would no longer be one.
    """
    corrected = frame["provenance"] == "corrected"
    exam = frame[~corrected & (frame["part"] == "exam")]
    examined = frame["digest"].isin(held | set(exam["digest"])) | frame["group"].isin(set(exam["group"]))
    latest = corrected & ~examined & ~frame["digest"].duplicated(keep="last")
    replaced = frame["digest"].isin(set(frame.loc[latest, "digest"]))
    frame.loc[latest, "part"] = "heads"
    return frame[(~corrected & ~replaced) | latest].reset_index(drop=True), int((corrected & examined).sum())


def _corpus_digest(frame: pd.DataFrame) -> str:
    rows = sorted(json.dumps(row, ensure_ascii=False, sort_keys=True) for row in frame.to_dict("records"))
    return hashlib.sha256("\n".join(rows).encode("utf-8", "surrogatepass")).hexdigest()


def _digests(gold: Path | None) -> frozenset[str]:
    if gold is None or not gold.exists():
        return frozenset()
    return frozenset(digest(row["text"]) for _, row in _rows(gold) if isinstance(row, dict))
