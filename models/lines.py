"""Lines of CSV and JSON: none takes more memory than a row may, and what is no JSON is not passed on."""

import csv
import json
from io import TextIOWrapper
from math import isfinite
from typing import Self

LONGEST_LINE = 1 << 20
"""Bytes of a line of JSON, characters of a record of CSV; a longer one is not read. A lost quotation mark makes one
record of all that follows."""

# Else the csv module would give up within a cell, and take what is left of it for rows.
csv.field_size_limit(max(LONGEST_LINE + 1, csv.field_size_limit()))


class Lines:
    """Give the csv module line after line; a record that is too long is passed over to its end.

    Whoever reads a record says ``begin`` first; ``came`` are the characters of it that were read.

    Raises:
        csv.Error: the record is too long.
        UnicodeError: the bytes are not of the encoding.
    """

    def __init__(self, file: TextIOWrapper) -> None:
        self._file = file
        self.begin()

    def begin(self) -> None:
        """Count from here."""
        self.came = self._quotes = 0

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        line = self._read()
        if self.came > LONGEST_LINE:
            # A record ends with a line in which no quotation is open.
            while line and (self._quotes % 2 or not line.endswith(("\n", "\r"))):
                line = self._read()
            raise csv.Error("the record is too long")
        if not line:
            raise StopIteration
        return line

    def _read(self) -> str:
        line = self._file.readline(LONGEST_LINE + 1)
        self.came += len(line)
        self._quotes += line.count('"')
        return line

    def detach(self) -> None:
        """Leave the file to its owner, open."""
        self._file.detach()


def parsed(line: bytes) -> object:
    """Read a line of JSON in UTF-8.

    Raises:
        ValueError, RecursionError: it is none, or is nested too deeply.
    """
    return json.loads(line.decode("utf-8-sig"), parse_float=_finite, parse_constant=_no_number)


def _finite(number: str) -> float:
    # Written back, a number that is too large would be Infinity, which is no JSON.
    if isfinite(found := float(number)):
        return found
    raise ValueError("too large for a number")


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
