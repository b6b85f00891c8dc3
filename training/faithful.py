"""Whether the words that an explanation names matter: taken out, and kept alone, against as many words at random."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from models.encoder import Encoder
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
    if not isinstance(model.heads.features, Encoder):
        return None
    texts = exam.sort_values("digest")["text"].head(TEXTS).tolist()
    random = np.random.default_rng(SEED)
    predictions = model.predict(texts, explain=True)
    found = {}
    for axis in model.axes:
        stances = [prediction.stances[axis.name] for prediction in predictions]
        changed: dict[str, list[str]] = {key: [] for key in KEYS}
        for stance in stances:
            words = stance.words or ()
            count = max(1, round(SHARE * len(words)))
            best = set(np.argsort([-word.weight for word in words], kind="stable")[:count].tolist())
            drawn = set(random.permutation(len(words))[:count].tolist())
            for key, chosen in (("", best), ("_random", drawn)):
                changed[f"deletion{key}"].append(_joined([w.text for i, w in enumerate(words) if i not in chosen]))
                changed[f"insertion{key}"].append(_joined([w.text for i, w in enumerate(words) if i in chosen]))
        before = np.array([stance.confidence for stance in stances])
        places = [axis.labels.index(stance.label) for stance in stances]
        vectors = vectors_of([text for texts in changed.values() for text in texts])
        after = model.heads.answers(vectors, [axis])[axis.name].reshape(len(changed), len(stances), -1)
        lost = (before - after[:, np.arange(len(stances)), places]).mean(axis=1)
        found[axis.name] = {key: round(float(value), 4) for key, value in zip(changed, lost, strict=True)}
    return found


def _joined(words: Sequence[str]) -> str:
    return " ".join(words) or "…"
