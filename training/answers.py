"""Answers to rows of text, each distinct text answered once."""

import json
import sqlite3
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, Self

from models.stance import StanceModel
from models.table import Row, answer, texts


class Answers:
    """Answer rows by a model and remember what was answered, so that a text that comes again costs nothing.

    What is remembered lies in a temporary file of SQLite, by digest: memory does not grow with the texts.
    """

    def __init__(self, model: StanceModel) -> None:
        self._model = model
        self._known = sqlite3.connect("", isolation_level=None)  # a file that has no name and goes with the connection
        self._known.execute("PRAGMA journal_mode = OFF")
        self._known.execute("CREATE TABLE answers (text BLOB PRIMARY KEY, answer TEXT) WITHOUT ROWID")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._known.close()

    def added(self, rows: Sequence[Row], text_column: str) -> list[dict[str, Any]]:
        """Return the columns added to each row."""
        asked = {_digest(text): text for text in texts(rows, text_column)}
        marks = ",".join("?" * len(asked))
        found = self._known.execute(f"SELECT text, answer FROM answers WHERE text IN ({marks})", list(asked))  # noqa: S608
        known = {key: json.loads(written) for key, written in found}
        new = {key: text for key, text in asked.items() if key not in known}
        predictions = self._model.predict(list(new.values()))
        fresh = {key: answer(self._model.version, each) for key, each in zip(new, predictions, strict=True)}
        with self._known:
            self._known.execute("BEGIN")
            self._known.executemany(
                "INSERT INTO answers VALUES (?, ?)", [(key, json.dumps(row)) for key, row in fresh.items()]
            )
        known |= fresh
        return [
            {"stance_version": self._model.version, "stance_error": row.fault}
            if row.fault
            else known[_digest(row.values[text_column])]
            for row in rows
        ]


def _digest(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=16).digest()
