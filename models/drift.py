"""How far the texts that are answered have moved from those that a model was examined on.

Each text falls into one bin of each feature: its language, its length, the share of its tokens that the encoder does
not know, and per axis its label and its confidence. A mix is how many texts fell into each bin. Two mixes are held
against each other by the population stability index (Siddiqi, Credit Risk Scorecards, 2006).
"""

import math
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError

from models.errors import BundleDamaged
from models.integrity import REMEDY
from models.stance import Prediction

LENGTHS = (25, 50, 75, 100, 125, 150, 200, 300, 500, 1000)
"""Upper edges of the bins of a text's characters; the statements of the corpus have 39 to 390."""
CONFIDENCES = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98)
"""Upper edges of the bins of a confidence."""
UNKNOWN = (0, 0.02, 0.05, 0.1, 0.2, 0.5)
"""Upper edges of the bins of the share of unknown tokens."""
WATCH, ACT = 0.1, 0.25
"""From these indexes on a feature is to be watched, and acted on; the thresholds that the literature has kept."""
FEWEST = 500
"""Fewest texts that are judged: over ten bins chance alone then gives an index of about 0.02, far under ``WATCH``."""
FLOOR = 0.5 / FEWEST
"""Least share of a bin, for the index knows no empty one: half a text of the smallest sample."""

Verdict = Literal["ok", "watch", "act", "too_few"]
Mix = Annotated[dict[str, PositiveInt], Field(min_length=1)]


class Reference(BaseModel):
    """Say what the exam looks like to a model: per feature how many of its texts fall into each bin."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    texts: PositiveInt
    mixes: dict[str, Mix]

    @classmethod
    def of(cls, texts: Sequence[str], predictions: Sequence[Prediction]) -> Self:
        """Take the reference from texts and their predictions."""
        return cls(texts=len(texts), mixes=mixes(map(bins, texts, predictions)))

    @classmethod
    def read(cls, file: Path, content: bytes) -> Self:
        """Read what a file of a bundle holds.

        Raises:
            BundleDamaged: it is no reference.
        """
        try:
            return cls.model_validate_json(content)
        except ValidationError as error:
            raise BundleDamaged(f"{file}: expected a reference, found something else; {REMEDY}") from error


def bins(text: str, prediction: Prediction) -> dict[str, str]:
    """Return the bin of a text by feature; without ``unknown`` where the model has no tokens."""
    found = {"language": prediction.language, "length": _bin(LENGTHS, len(text))}
    if prediction.unknown is not None:
        found["unknown"] = _bin(UNKNOWN, prediction.unknown)
    for axis, stance in prediction.stances.items():
        found[f"{axis}_label"] = stance.label
        found[f"{axis}_confidence"] = _bin(CONFIDENCES, stance.confidence)
    return found


def _bin(edges: Sequence[float], value: float) -> str:
    """Return the name of the bin of a value, which is its upper edge as Prometheus writes it."""
    place = bisect_left(edges, value)
    return f"<= {edges[place]:g}" if place < len(edges) else f"> {edges[-1]:g}"


def mixes(rows: Iterable[Mapping[str, str]]) -> dict[str, dict[str, int]]:
    """Count the bins of texts by feature.

    >>> mixes([{"language": "uk"}, {"language": "uk"}, {"language": "en"}])
    {'language': {'uk': 2, 'en': 1}}
    """
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        for feature, name in row.items():
            found[feature][name] += 1
    return {feature: dict(counts) for feature, counts in found.items()}


def shares(mix: Mapping[str, int]) -> dict[str, float]:
    """Return the share of each bin of a mix; they sum to 1."""
    total = sum(mix.values())
    return {name: count / total for name, count in mix.items()}


def stability_index(expected: Mapping[str, int], found: Mapping[str, int]) -> float:
    """Return the population stability index of two mixes that are not empty: the sum of ``(q - p) ln(q / p)``.

    0 where the shares are equal, and never less.

    >>> round(stability_index({"uk": 50, "ru": 50}, {"uk": 80, "ru": 20}), 2)
    0.42
    """
    were, are = shares(expected), shares(found)
    pairs = [(max(were.get(name, 0), FLOOR), max(are.get(name, 0), FLOOR)) for name in were.keys() | are.keys()]
    return math.fsum((q - p) * math.log(q / p) for p, q in pairs)


def verdict(index: float) -> Verdict:
    """Name what an index asks for."""
    return "act" if index >= ACT else "watch" if index >= WATCH else "ok"
