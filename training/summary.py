"""What scoring counts: rows, errors, languages, labels, and what could not be read at all."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, Field

from models.axes import Axis


class Failure(BaseModel, frozen=True):
    """Name a part of the input that could not be scored, and why."""

    place: str
    reason: str


class Summary(BaseModel):
    """Count what was scored.

    ``errors`` are the rows with an error, by its code; ``labels`` those without one, by axis, language and label, the
    uncertain ones apart. ``seconds`` are those of all processes that scored, one after the other.
    """

    rows: int = 0
    errors: Counter[str] = Field(default_factory=Counter)
    languages: Counter[str] = Field(default_factory=Counter)
    labels: dict[str, dict[str, Counter[str]]] = Field(default_factory=dict)
    failures: list[Failure] = Field(default_factory=list)
    seconds: float = 0.0

    @property
    def statements(self) -> int:
        """Return the number of rows without an error."""
        return self.rows - self.errors.total()

    def count(self, added: Sequence[Mapping[str, Any]], axes: Sequence[Axis]) -> None:
        """Add rows to the counts."""
        self.rows += len(added)
        for row in added:
            if code := row.get("stance_error"):
                self.errors[code] += 1
                continue
            language = row["stance_language"]
            self.languages[language] += 1
            for axis in axes:
                name = f"stance_{axis.name}"
                labels = self.labels.setdefault(axis.name, {}).setdefault(language, Counter())
                labels[row[name] if row[f"{name}_certain"] else "uncertain"] += 1

    def add(self, other: "Summary") -> None:
        """Add what another part counted."""
        self.rows += other.rows
        self.errors += other.errors
        self.languages += other.languages
        for axis, languages in other.labels.items():
            for language, labels in languages.items():
                self.labels.setdefault(axis, {}).setdefault(language, Counter()).update(labels)
        self.failures += other.failures
        self.seconds += other.seconds

    def told(self, version: str, took: float) -> str:
        """Return the counts as JSON, with the bundle's version and the seconds on the clock that the run took."""
        speed = {"statements_a_second_a_process": self.statements / self.seconds if self.seconds else None}
        counts = {"version": version, "statements": self.statements, **self.model_dump(), "took": took, **speed}
        return json.dumps(counts, ensure_ascii=False, indent=1) + "\n"

    def by_label(self, axis: str) -> Counter[str]:
        """Return how often each label of an axis was given, over all languages."""
        return sum(self.labels[axis].values(), Counter[str]())
