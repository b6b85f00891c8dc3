"""What corrections come to: one label a text and axis where most annotators agree, and how far they do."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from models.axes import Axis
from service.storage.store import Correction

Votes = Mapping[str, Mapping[str, Mapping[str, str]]]
"""Labels by digest of the text, axis and annotator."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Count how far annotators agree on an axis, and the model with them.

    ``pairs`` of labels that two annotators gave one text and those of one label; ``conflicts``: texts on which no label
    has a majority; ``predicted``: texts with a label by majority and a stored prediction, and those labelled as it.
    """

    pairs: int
    agreed: int
    conflicts: int
    predicted: int
    as_predicted: int


def corpus_lines(axes: Sequence[Axis], corrections: Sequence[Correction]) -> tuple[list[dict[str, Any]], int]:
    """Return a row of the corpus a text, and how many labels were left out because annotators are divided.

    A row's id names the last correction of its text.
    """
    last = {correction.digest: correction for correction in corrections}
    rows, conflicts = [], 0
    for digest, ballots in _votes(axes, corrections).items():
        labels = {axis: settled(ballot.values()) for axis, ballot in ballots.items()}
        conflicts += sum(label is None for label in labels.values())
        named = {axis: label for axis, label in labels.items() if label is not None}
        if named:
            said = last[digest]
            row = {"id": f"feedback-{said.id}", "lang": said.language, "text": said.text, **named}
            rows.append({**row, "provenance": "corrected", "group": digest})
    return rows, conflicts


def agreement(
    axes: Sequence[Axis], corrections: Iterable[Correction], predicted: Mapping[str, Mapping[str, str]]
) -> dict[str, Agreement]:
    """Return by axis how far annotators agree, and with them the last stored predictions, labels by digest."""
    votes = _votes(axes, corrections)
    found = {}
    for axis in axes:
        ballots = {digest: list(of[axis.name].values()) for digest, of in votes.items() if axis.name in of}
        pairs = [pair for ballot in ballots.values() for pair in combinations(ballot, 2)]
        labels = {digest: settled(ballot) for digest, ballot in ballots.items()}
        told = [
            label == predicted[digest][axis.name]
            for digest, label in labels.items()
            if label is not None and axis.name in predicted.get(digest, {})
        ]
        found[axis.name] = Agreement(
            pairs=len(pairs),
            agreed=sum(one == other for one, other in pairs),
            conflicts=sum(label is None for label in labels.values()),
            predicted=len(told),
            as_predicted=sum(told),
        )
    return found


def settled(ballot: Collection[str]) -> str | None:
    """Return the label that more than half of the annotators gave, None where none has so many.

    >>> settled(["a", "b", "a"]), settled(["a", "b"])
    ('a', None)
    """
    [(label, count)] = Counter(ballot).most_common(1)
    return label if 2 * count > len(ballot) else None


def _votes(axes: Sequence[Axis], corrections: Iterable[Correction]) -> Votes:
    """Gather what each annotator said last of each text, on the axes and labels that there are now."""
    votes: dict[str, dict[str, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
    for correction in corrections:
        for axis in axes:
            label = correction.labels.get(axis.name)
            if label in axis.labels:
                votes[correction.digest][axis.name][correction.annotator] = label
    return votes
