"""The columns that JSON lines have when they become Parquet: what kinds of values stand under each key."""

from collections.abc import Iterable, Mapping
from typing import Any

from models.text import UNWRITABLE

Kinds = dict[str, str]
"""Columns in the order in which they were first seen, each with the name of its type in Arrow."""
LARGEST = 1 << 53
"""Whole numbers up to here are exact as floating point too; a column with larger ones is one of texts."""


def kinds_of(rows: Iterable[Mapping[str, Any]]) -> Kinds:
    """Return the kinds of the values of rows.

    >>> kinds_of([{"n": 1, "who": None}, {"n": 0.5, "who": ["a"]}])
    {'n': 'double', 'who': 'string'}
    """
    found: Kinds = {}
    for row in rows:
        for name, value in row.items():
            if UNWRITABLE.search(name):  # no name of a column
                continue
            found[name] = _both(found.get(name, "null"), _kind(value))
    return found


def merged(all_kinds: Iterable[Kinds]) -> Kinds:
    """Return the kinds of several partitions together; a key without a value is one of texts.

    >>> merged([{"n": "int64"}, {"n": "bool", "m": "null"}])
    {'n': 'string', 'm': 'string'}
    """
    found: Kinds = {}
    for kinds in all_kinds:
        for name, kind in kinds.items():
            found[name] = _both(found.get(name, "null"), kind)
    return {name: "string" if kind == "null" else kind for name, kind in found.items()}


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, float):
        return "double"
    return "int64" if isinstance(value, int) and abs(value) <= LARGEST else "string"


def _both(one: str, other: str) -> str:
    """Return the kind of a column with values of both: texts, where they have nothing in common."""
    if one == other or "null" in (one, other):
        return one if other == "null" else other
    return "double" if {one, other} == {"int64", "double"} else "string"
