"""The texts that were answered lately, as the bins that they fell into: what drift is measured on, and never a text."""

from collections import deque
from collections.abc import Sequence

from models.bundle import Bundle
from models.drift import bins, mixes
from models.stance import Prediction

LATELY = 10_000
"""Texts that are remembered, by their bins: a day of a desk that reads much, in a few megabytes."""


class Recent:
    """Remember the bins of the last texts that were answered, each with the version that answered it."""

    def __init__(self) -> None:
        self._last: deque[tuple[str, dict[str, str]]] = deque(maxlen=LATELY)

    def add(self, bundle: Bundle, texts: Sequence[str], predictions: Sequence[Prediction]) -> None:
        """Remember texts that a bundle answered; a bundle that drift cannot be told of needs no memory."""
        if bundle.reference is not None:
            version = bundle.manifest.version
            self._last.extend((version, bins(*pair)) for pair in zip(texts, predictions, strict=True))

    def mixes(self, bundle: Bundle) -> dict[str, dict[str, int]]:
        """Return per feature how many of the texts that a bundle answered fell into each bin."""
        version = bundle.manifest.version
        return mixes(found for by, found in tuple(self._last) if by == version)
