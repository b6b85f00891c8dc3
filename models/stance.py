"""The model as the rest of the house knows it: texts in, stances out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from models.axes import Axis
from models.encoder import Encoder
from models.errors import ExplainUnavailable
from models.explain import Word, word_weights
from models.heads import Heads
from models.language import identify
from models.text import count_words

FEWEST_WORDS = 3
"""A text of fewer words says too little to have a stance; the design's bound for ``too_short``."""


@dataclass(frozen=True, slots=True)
class Stance:
    """Answer one axis for one text.

    ``label`` is the most probable one and ``confidence`` its probability. Where ``certain`` is false the model
    abstains and ``reason`` says why: ``too_short``, ``unsupported_language``, ``too_long`` (its end was not read) or
    ``low_confidence``. ``words``, where an explanation was asked for, are the words of the text with their shares of
    the label's calibrated logit.
    """

    label: str
    confidence: float
    certain: bool
    reason: str | None
    probabilities: Mapping[str, float]
    words: tuple[Word, ...] | None = None


@dataclass(frozen=True, slots=True)
class Prediction:
    """Answer every axis for one text, with its language as a BCP-47 code (``und`` where unknown).

    ``unknown`` is the share of its tokens that the encoder's vocabulary lacks, None where there is no encoder.
    """

    language: str
    stances: Mapping[str, Stance]
    unknown: float | None = None


@dataclass(frozen=True, slots=True)
class StanceModel:
    """Classify texts on every axis of a bundle.

    ``thresholds`` is, per axis, the confidence under which the model abstains; ``languages`` are those it learnt.
    """

    version: str
    axes: tuple[Axis, ...]
    languages: tuple[str, ...]
    thresholds: Mapping[str, float]
    heads: Heads

    def predict(self, texts: Sequence[str], explain: bool = False) -> list[Prediction]:
        """Return one prediction a text, in order; none depends on the other texts.

        Raises:
            ExplainUnavailable: an explanation is asked of a model that has none to give.
        """
        if explain:
            return self._explained(texts)
        features = self.heads.features
        if not texts or not isinstance(features, Encoder):
            return self.predictions(texts, self.heads.probabilities(texts, self.axes))
        vectors, unknown, cut = features.encode(texts)
        return self.predictions(texts, self.heads.answers(vectors, self.axes), unknown, cut=cut)

    def predictions(
        self,
        texts: Sequence[str],
        probabilities: Mapping[str, np.ndarray],
        unknown: Sequence[float | None] | None = None,
        languages: Sequence[str] | None = None,
        cut: Sequence[bool] | None = None,
    ) -> list[Prediction]:
        """Return the predictions of texts whose probabilities, an array (texts, labels) an axis, are known.

        ``languages`` are those of the texts where somebody has named them; else they are identified. ``cut`` are the
        texts whose end was not read, none of them unless told.
        """
        unknown = unknown or [None] * len(texts)
        languages = languages or [identify(text) for text in texts]
        cut = cut or [False] * len(texts)
        found = []
        for i, text in enumerate(texts):
            doubt = self._doubt(text, languages[i], cut[i])
            stances = {axis.name: self._stance(axis, probabilities[axis.name][i], doubt) for axis in self.axes}
            found.append(Prediction(languages[i], stances, unknown[i]))
        return found

    def _explained(self, texts: Sequence[str]) -> list[Prediction]:
        arrays = self.heads.arrays
        if not isinstance(self.heads.features, Encoder) or arrays is None:
            raise ExplainUnavailable(f"{self.version} stands on n-grams, whose words have no shares; serve an encoder")
        predictions = []
        for text, found in zip(texts, self.heads.features.token_states(texts), strict=True):
            answers = self.heads.answers(found.vector[None], self.axes)
            plain = self.predictions([text], answers, [found.unknown], cut=[found.cut])[0]
            stances = {}
            for axis in self.axes:
                stance = plain.stances[axis.name]
                words = word_weights(text, found, arrays[axis.name], axis.labels.index(stance.label))
                stances[axis.name] = replace(stance, words=words)
            predictions.append(replace(plain, stances=stances))
        return predictions

    def _doubt(self, text: str, language: str, cut: bool) -> str | None:
        """Return why no answer to a text is certain, whatever its probabilities."""
        if count_words(text) < FEWEST_WORDS:
            return "too_short"
        if language not in self.languages:
            return "unsupported_language"
        return "too_long" if cut else None

    def _stance(self, axis: Axis, row: np.ndarray, doubt: str | None) -> Stance:
        best = int(row.argmax())
        confidence = float(row[best])
        reason = doubt or ("low_confidence" if confidence < self.thresholds[axis.name] else None)
        return Stance(
            axis.labels[best], confidence, reason is None, reason, dict(zip(axis.labels, row.tolist(), strict=True))
        )
