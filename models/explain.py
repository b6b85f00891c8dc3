"""How much each word of a text adds to a label: exact shares of its logit, not effects of removing the word."""

import re
from bisect import bisect_right
from dataclasses import dataclass

import numpy as np

from models.encoder import TokenStates
from models.heads import Linear
from models.text import normalise

_WORD = re.compile(r"\S+")
_GAP = re.compile(r"(?:\s|&(?:nbsp|#160|#[xX][aA]0);)+|\Z")
"""White space, that of HTML among it, and the end of a text."""


@dataclass(frozen=True, slots=True)
class Word:
    """Hold a word as it stands in the text, ``text[start:end]``, and its share of the label's logit."""

    text: str
    start: int
    end: int
    weight: float


def word_weights(text: str, found: TokenStates, head: Linear, label: int) -> tuple[Word, ...]:
    """Return the words of a text with the shares that sum to the label's logit less its bias.

    A logit is the bias and the mean over tokens of ``weights · (state - centre)``; a word's share is its tokens'.
    Words past the end of what the encoder reads have none.
    """
    folded = normalise(text)
    spans = [match.span() for match in _WORD.finditer(folded)]
    if not spans:
        return ()
    shares = (found.states - head.centre) @ head.weights[label] / max(1, len(found.states))
    # A text without tokens, of control characters say, has the vector nought: what that lacks to the centre is shared.
    rest = 0.0 if len(shares) else -float(head.centre @ head.weights[label])
    weights = np.full(len(spans), rest / len(spans))
    ends = [end for _, end in spans]
    for (start, end), share in zip(found.spans, shares, strict=True):
        # A token may begin with the space before its word, or be nothing but that space.
        weights[min(bisect_right(ends, max(start, end - 1)), len(spans) - 1)] += share
    places = _places(text, [folded[first:last] for first, last in spans])
    words = []
    for start, end, count in places:
        words.append(Word(text[start:end], start, end, float(weights[:count].sum())))
        weights = weights[count:]
    return tuple(words)


def _places(text: str, folded: list[str]) -> list[tuple[int, int, int]]:
    """Return where the words of a folded text stand in the text itself: start, end and how many of them stand there."""
    places, found, start = [], [], 0
    for gap in _GAP.finditer(text):
        here = normalise(text[start : gap.start()]).split()
        found += here
        if here:
            places.append((start, gap.start(), len(here)))
        start = gap.end()
    # Folding a stretch alone may differ from folding the text where what looks like an entity runs over its end.
    return places if found == folded else [(0, len(text), len(folded))]
