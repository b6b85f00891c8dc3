"""Whether the words that an explanation names matter: taken out, and kept alone, against as many words at random."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from models.encoder import Encoder
from models.explain import word_weights
from models.stance import StanceModel

TEXTS = 40
SHARE = 0.2
"""Share of a text's words that is taken out, or kept alone."""
SEED = 0
KEYS = ("deletion", "deletion_random", "insertion", "insertion_random")


def faithfulness(
    model: StanceModel, exam: pd.DataFrame, vectors_of: Callable[[Sequence[str]], Any]
) -> dict[str, dict[str, float]] | None:
    """Return per axis how much of its probability the answered label loses, on average over exam texts.

    ``deletion`` takes out the words of the largest weights, ``insertion`` keeps nothing else; the keys with ``_random``
    do so with as many words at random. ``vectors_of`` gives the vectors of texts. None where the model has no
    explanations.
    """
    encoder, arrays = model.heads.features, model.heads.arrays
    if not isinstance(encoder, Encoder) or arrays is None:
        return None
    texts = exam.sort_values("digest")["text"].head(TEXTS).tolist()
    states = encoder.token_states(texts)
    random = np.random.default_rng(SEED)
    found = {}
    for axis in model.axes:
        before = arrays[axis.name].probabilities(np.stack([own.vector for own in states]))
        places = before.argmax(axis=1)
        changed: dict[str, list[str]] = {key: [] for key in KEYS}
        for text, own, place in zip(texts, states, places, strict=True):
            words = word_weights(text, own, arrays[axis.name], int(place))
            count = max(1, round(SHARE * len(words)))
            best = set(np.argsort([-word.weight for word in words], kind="stable")[:count].tolist())
            drawn = set(random.permutation(len(words))[:count].tolist())
            for key, chosen in (("", best), ("_random", drawn)):
                changed[f"deletion{key}"].append(_joined([w.text for i, w in enumerate(words) if i not in chosen]))
                changed[f"insertion{key}"].append(_joined([w.text for i, w in enumerate(words) if i in chosen]))
        vectors = vectors_of([text for texts in changed.values() for text in texts])
        after = arrays[axis.name].probabilities(vectors).reshape(len(changed), *before.shape)
        lost = (before - after)[:, np.arange(len(texts)), places].mean(axis=1)
        found[axis.name] = {key: round(float(value), 4) for key, value in zip(changed, lost, strict=True)}
    return found


def _joined(words: Sequence[str]) -> str:
    return " ".join(words) or "…"
