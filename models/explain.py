"""How much each word of a text adds to a label: exact shares of its logit, not effects of removing the word."""

import re
from bisect import bisect_right
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np

from models.encoder import TokenStates
from models.heads import Linear
from models.text import normalise

_WORD = re.compile(r"\S+")


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
    weights = np.zeros(len(spans))
    ends = [end for _, end in spans]
    for (start, end), share in zip(found.spans, shares, strict=True):
        # A token may begin with the space before its word, or be nothing but that space.
        weights[min(bisect_right(ends, max(start, end - 1)), len(spans) - 1)] += share
    words: list[Word] = []
    for (start, end), weight in zip(_places(text, folded, spans), weights.tolist(), strict=True):
        if words and start < words[-1].end:  # what folding took apart stands in one place
            start, weight = words[-1].start, words[-1].weight + weight
            end = max(end, words.pop().end)
        words.append(Word(text[start:end], start, end, weight))
    return tuple(words)


def _places(text: str, folded: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return where spans of the folded text lie in the text itself."""
    if text == folded:
        return spans
    starts, ends = np.zeros(len(folded), dtype=int), np.zeros(len(folded), dtype=int)
    for kind, a, b, x, y in SequenceMatcher(None, text, folded, autojunk=False).get_opcodes():
        for at in range(x, y):
            starts[at], ends[at] = (a + at - x, a + at - x + 1) if kind == "equal" else (a, b)
    places = []
    for first, last in spans:
        found = text[starts[first] : ends[last - 1]]
        lead = len(found) - len(found.lstrip())
        places.append((int(starts[first]) + lead, int(starts[first]) + len(found.rstrip())))
    return places
