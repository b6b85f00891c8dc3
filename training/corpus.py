"""The corpus: labelled statements read from files, validated as a whole, each in its part.

A corpus file is JSON lines, CSV or Parquet, one statement a row. ``data/README.md`` describes the columns.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from pandera.errors import SchemaErrors
from pandera.pandas import Check, Column, DataFrameSchema

from models.axes import Axis
from models.errors import BadRow, CorpusError, TrainingError
from models.manifest import CorpusRecord
from models.text import LONGEST_STATEMENT, UNWRITABLE, digest, normalise
from training.rows import FORMS, ROOT, Place, read_rows, shown

DATA = ROOT / "data"
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
TOO_LONG = f"is longer than {LONGEST_STATEMENT} characters; split it into statements"
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


def corpus_files(data: Path | None = None, more: Sequence[Path] = ()) -> list[Path]:
    """Return the files that a fit reads: those of the corpus, people's corrections always, and ``more``.

    ``data``, a file or a folder of them, takes the place of the corpus.
    """
    corrections = DATA / "corpus" / "corrected.jsonl"
    place = data or DATA / "corpus"
    files = sorted(file for file in place.iterdir() if file.suffix in FORMS) if place.is_dir() else []
    files = files or [place]
    if corrections.exists() and corrections not in files:
        files.append(corrections)
    return [*files, *more]


def read_corpus(files: Sequence[Path], axes: tuple[Axis, ...], gold: Path | None = GOLD) -> Corpus:
    """Read and validate corpus files together; texts that stand in ``gold`` are refused.

    Raises:
        CorpusError: names every bad row of every file by file, line, column and reason.
    """
    rows, places, faults = read_rows(files)
    held = _digests(gold)
    frame = pd.DataFrame(rows, dtype=object)
    faults += _unknown(frame, places, axes)
    frame = frame.reindex(columns=_columns(axes)).astype(object)
    frame = frame.where(frame.notna(), None)
    digests = [digest(text) if _legible(text) else None for text in frame["text"]]
    faults += [*_breaches(frame, places, axes), *_repeated(frame, digests, places, held)]
    if faults:
        raise CorpusError(sorted(faults, key=lambda row: (row.file, row.line, row.column)))
    frame["group"] = frame["group"].where(frame["group"].notna(), frame["id"])
    frame["digest"] = digests
    frame["part"] = [part_of(group) for group in frame["group"]]
    kept, left_out = _settled(frame, held)
    record = CorpusRecord(digest=_corpus_digest(kept), rows=len(kept), files=tuple(shown(file) for file in files))
    present = tuple(axis for axis in axes if kept[axis.name].notna().any())
    return Corpus(kept, present, record, left_out)


def read_texts(files: Sequence[Path], corpus: Corpus, gold: Path | None = GOLD) -> list[str]:
    """Read unlabelled texts, each once, without those of the corpus and of ``gold``; of a row only ``text`` counts.

    Raises:
        CorpusError: names every bad row of every file by file, line, column and reason.
        TrainingError: the corpus or ``gold`` has all of them.
    """
    rows, places, faults = read_rows(files, ["text"])
    for row, place in zip(rows, places, strict=True):
        if row.get("text") is None:
            faults.append(_bad(place, "text", "is missing"))
        elif not _legible(row["text"]):
            faults.append(_bad(place, "text", "is not a text"))
        elif len(row["text"]) > LONGEST_STATEMENT:
            faults.append(_bad(place, "text", TOO_LONG))
    if faults:
        raise CorpusError(sorted(faults, key=lambda row: (row.file, row.line, row.column)))
    known = _digests(gold) | set(corpus.frame["digest"])
    texts = {digest(row["text"]): row["text"] for row in rows}
    new = [text for name, text in texts.items() if name not in known]
    if not new:
        raise TrainingError("the corpus or gold-dev has every unlabelled text; name a file of others")
    return new


def last_feedback(rows: pd.DataFrame) -> int | None:
    """Return the id of the newest correction among rows, which the service's export names; None where it names none.

    >>> last_feedback(pd.DataFrame({"id": ["feedback-9", "feedback-10", "mine"], "provenance": "corrected"}))
    10
    """
    exported = rows.loc[rows["provenance"] == "corrected", "id"].str.extract("^feedback-([0-9]{1,19})$", expand=False)
    return max(map(int, exported.dropna()), default=None)


def _bad(place: Place, column: str, reason: str) -> BadRow:
    return BadRow(place[0], place[1], column, reason)


def _one_of(values: Iterable[str]) -> Check:
    allowed = tuple(values)
    return Check(lambda value: value in allowed, element_wise=True, error=f"is not one of {', '.join(allowed)}")


def _matches(pattern: str, reason: str) -> Check:
    form = re.compile(pattern)
    return Check(lambda v: isinstance(v, str) and form.fullmatch(v) is not None, element_wise=True, error=reason)


def _dated(value: object) -> bool:
    """Say whether a value is a date of the calendar, known to the day, the month or the year."""
    if not isinstance(value, str) or not re.fullmatch("[0-9]{4}(-[0-9]{2}){0,2}", value):
        return False
    with suppress(ValueError):
        return bool(date.fromisoformat(f"{value}-01-01"[:10]))
    return False


def _legible(value: object) -> bool:
    """Say whether a value is a text with something to read in it, which can be written as UTF-8."""
    if not isinstance(value, str) or UNWRITABLE.search(value):
        return False
    return value[:1].isalnum() or bool(normalise(value))  # nearly all begin with a letter, and folding takes time


def _schema(axes: Sequence[Axis]) -> DataFrameSchema:
    text = Check(_legible, element_wise=True, error="is not a text")
    short = Check(
        lambda value: not isinstance(value, str) or len(value) <= LONGEST_STATEMENT,
        element_wise=True,
        error=TOO_LONG,
    )
    optional = {
        "provenance": _one_of(PROVENANCES),
        "kind": _one_of(KINDS),
        "trait": _matches("[a-z_]+", "is not a name of lower-case letters and underscores"),
        "group": text,
        "holder": text,
        "date": Check(_dated, element_wise=True, error="is no date written as YYYY, YYYY-MM or YYYY-MM-DD"),
        "source_url": _matches(r"https?://\S+", "is not a web address"),
    }
    return DataFrameSchema(
        {
            "id": Column(object, text),
            "lang": Column(object, _one_of(LANGUAGES)),
            "text": Column(object, [text, short]),
            **{axis.name: Column(object, _one_of(axis.labels), nullable=True) for axis in axes},
            **{name: Column(object, check, nullable=True) for name, check in optional.items()},
        }
    )


def _columns(axes: Sequence[Axis]) -> list[str]:
    return list(_schema(axes).columns)


def _unknown(frame: pd.DataFrame, places: Sequence[Place], axes: Sequence[Axis]) -> list[BadRow]:
    """Return a fault for each column that is none of the corpus, at the first row that has it."""
    known = _columns(axes)
    faults = []
    for name in [name for name in frame.columns if name not in known]:
        first = int(frame[name].notna().to_numpy().argmax())
        faults.append(_bad(places[first], repr(name)[1:41].strip("'"), f"unknown column; known: {', '.join(known)}"))
    return faults


def _breaches(frame: pd.DataFrame, places: Sequence[Place], axes: Sequence[Axis]) -> list[BadRow]:
    """Return every breach of the schema: pandera finds them, this names their places."""
    faults = []
    try:
        if UNWRITABLE.search("".join(value for value in frame.to_numpy().ravel() if isinstance(value, str))):
            # pandera cannot report what cannot be written as UTF-8; a NUL is refused in every column all the same.
            frame = frame.map(lambda value: "\x00" if isinstance(value, str) and UNWRITABLE.search(value) else value)
        _schema(axes).validate(frame.astype(object), lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases
        for column, check, index in zip(cases["column"], cases["check"], cases["index"], strict=True):
            reason = "is missing" if check == "not_nullable" else str(check)
            faults.append(_bad(places[int(index)], str(column), reason))
    names = [axis.name for axis in axes]
    unlabelled = np.flatnonzero(frame[names].isna().all(axis="columns")).tolist()
    return faults + [_bad(places[i], "(row)", f"has a label on no axis ({', '.join(names)})") for i in unlabelled]


def _repeated(
    frame: pd.DataFrame, digests: Sequence[str | None], places: Sequence[Place], held: frozenset[str]
) -> list[BadRow]:
    """Return the rows whose id or text stands twice or whose text is in the outside check.

    Corrected rows may repeat a text.
    """
    first: dict[tuple[str, str], Place] = {}
    faults = []
    for place, row_id, name, provenance in zip(places, frame["id"], digests, frame["provenance"], strict=True):
        keys = [("id", row_id)] if isinstance(row_id, str) else []
        if name is not None and provenance != "corrected":
            keys.append(("text", name))
        for key in keys:
            if key in first:
                faults.append(_bad(place, key[0], "stands already in {}:{}".format(*first[key])))
            elif key[0] == "text" and key[1] in held:
                reason = "stands in data/gold-dev.jsonl, the outside check, which is never trained on; take it out"
                faults.append(_bad(place, "text", reason))
            first.setdefault(key, place)
    return faults


def _settled(frame: pd.DataFrame, held: frozenset[str]) -> tuple[pd.DataFrame, int]:
    """Put corrected rows in their place; return the rows that stay and how many corrected ones were left out.

    A corrected row takes the place of the row that it corrects and always trains; what it does not say, as the label of
    another axis, stays as the rows before it said. Where its text or its group is examined, it is left out, for the
    exam would no longer be one.
    """
    corrected = frame["provenance"] == "corrected"
    exam = frame[~corrected & (frame["part"] == "exam")]
    examined = frame["digest"].isin(held | set(exam["digest"])) | frame["group"].isin(set(exam["group"]))
    latest = corrected & ~examined
    latest &= ~frame["digest"].where(latest).duplicated(keep="last")
    replaced = frame["digest"].isin(set(frame.loc[latest, "digest"]))
    frame.loc[latest, "part"] = "heads"
    # A file of corrections may be read before the one that it corrects.
    told = frame[replaced & ~examined].sort_values("provenance", key=lambda found: found == "corrected", kind="stable")
    told = told.groupby("digest").last()
    values = [name for name in frame.columns if name not in ("digest", "id", "text", "group")]
    filled = told.loc[frame.loc[latest, "digest"], values]
    frame.loc[latest, values] = filled.where(filled.notna(), None).to_numpy()
    return frame[(~corrected & ~replaced) | latest].reset_index(drop=True), int((corrected & examined).sum())


def _corpus_digest(frame: pd.DataFrame) -> str:
    names, written = sorted(frame.columns), json.JSONEncoder(ensure_ascii=False).encode
    rows = sorted(written(dict(zip(names, row, strict=True))) for row in zip(*map(frame.get, names), strict=True))
    return hashlib.sha256("\n".join(rows).encode("utf-8", "surrogatepass")).hexdigest()


def _digests(gold: Path | None) -> frozenset[str]:
    if gold is None or not gold.exists():
        return frozenset()
    return frozenset(digest(row["text"]) for row in read_rows([gold])[0])
