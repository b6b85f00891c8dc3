"""Token states and pooled vectors of texts: ONNX Runtime and tokenizers behind one scikit-learn transformer."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from tokenizers import Encoding, Tokenizer

from models.errors import EncoderError
from models.text import UNWRITABLE, normalise

LONGEST = 512
"""Tokens of a text that are read, special ones included; what follows says nothing to the model: ``too_long``."""
BATCH = 4
"""Texts that are encoded together; no answer depends on it, only the time. More are padded more and leave the caches
of a core: of 16 texts at random one took 10.3 ms in batches of 4, 12.1 in batches of 8, 16.3 in one of 16."""
UNKNOWN = "<unk>"
"""What the tokenizer puts in place of what its vocabulary lacks."""
FILES = ("encoder.onnx", "tokenizer.json", "encoder.json")
"""What an encoder is on disk: the graph, its tokenizer, and the record of how it was made."""


def prepared(text: str) -> str:
    """Return a text as an encoder reads it: folded, and where it is all capitals, as headlines are, in small letters.

    Its length is that of the folded text, so places in the one are places in the other.

    >>> prepared("РИМ  НЕ ПОШЛЕТ СОЛДАТ")
    'Рим не пошлет солдат'
    """
    folded = UNWRITABLE.sub("\ufffd", normalise(text))  # the tokenizer takes UTF-8 only
    small = folded.capitalize()
    return small if folded.isupper() and len(small) == len(folded) else folded


@dataclass(frozen=True, slots=True)
class TokenStates:
    """Hold the states of a text's own tokens, (tokens, width), and where each lies in the normalised text.

    ``unknown`` is the share of them that the vocabulary lacks, ``cut`` whether the text has more that are not read.
    """

    states: NDArray[np.float32]
    spans: tuple[tuple[int, int], ...]
    unknown: float
    cut: bool

    @property
    def vector(self) -> NDArray[np.float32]:
        """Return the mean of the states, (width); nought where the text has no token."""
        return np.asarray(self.states.sum(axis=0) / max(1, len(self.states)))


class Encoder(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Turn texts into vectors: the mean of the states of their own tokens, whatever else is encoded beside them."""

    def __init__(self, graph: bytes, tokenizer: bytes, threads: int = 0) -> None:
        """Load a graph and its tokenizer; ``threads`` work on a batch, 0 stands for all cores.

        Raises:
            EncoderError: the files are not what an encoder is made of.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # What pays is fused in the graph already; another fusion would take a token's scale for that of the batch.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        name, remedy = FILES[0], "make one with `training finetune`"
        try:
            self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
            self._session.disable_fallback()
            self._session._model_bytes = None  # kept for the fallback only: 31 MB
            name = FILES[1]
            self._tokenizer = Tokenizer.from_buffer(tokenizer)
        except Exception as error:  # neither library promises a type
            raise EncoderError(f"{name}: not of an encoder ({type(error).__name__}); {remedy}") from error
        unknown = self._tokenizer.token_to_id(UNKNOWN)
        self._unknown = -1 if unknown is None else unknown
        self._tokenizer.enable_truncation(LONGEST)
        self._tokenizer.no_padding()

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the encoder in a folder.

        Raises:
            EncoderError: a file is missing or is no part of an encoder.
        """
        try:
            graph, tokenizer = ((folder / name).read_bytes() for name in FILES[:2])
        except OSError as error:
            raise EncoderError(f"{error.filename}: {error.strerror}; name a folder that `finetune` wrote") from error
        return cls(graph, tokenizer)

    @property
    def width(self) -> int:
        """Return the numbers that a vector has."""
        return int(self._session.get_outputs()[0].shape[-1])

    def get_params(self, deep: bool = True) -> dict[str, object]:  # noqa: ARG002 (scikit-learn's signature)
        """Return nothing: an encoder has no parameter to search."""
        return {}

    def fit(self, texts: Sequence[str], y: object = None) -> Self:  # noqa: ARG002 (scikit-learn's signature)
        """Do nothing: an encoder is made by fine-tuning."""
        return self

    def transform(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of texts, (texts, width)."""
        return self.encode(texts)[0]

    def encode(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], list[float], list[bool]]:
        """Return the vectors of texts, (texts, width), and of each the share of unknown tokens and whether it was cut.

        A text is cut where it has more tokens than are read; unknown are those that the vocabulary lacks.
        """
        encodings = self._encodings(texts)
        vectors = np.empty((len(texts), self.width), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda i: len(encodings[i].ids))
        for at in range(0, len(order), BATCH):
            rows = order[at : at + BATCH]
            vectors[rows] = self._run("vectors", [encodings[i].ids for i in rows])
        unknown = [self._unknown_share(encoding) for encoding in encodings]
        return vectors, unknown, [bool(encoding.overflowing) for encoding in encodings]

    def unknown(self, texts: Sequence[str]) -> list[float]:
        """Return of each text the share of tokens that the vocabulary lacks."""
        return [self._unknown_share(encoding) for encoding in self._encodings(texts)]

    def _unknown_share(self, encoding: Encoding) -> float:
        own = len(encoding.ids) - 2
        return encoding.ids.count(self._unknown) / own if own > 0 else 0.0

    def token_states(self, texts: Sequence[str]) -> list[TokenStates]:
        """Return the states of the own tokens of each text; their mean is its vector."""
        found = []
        for encoding in self._encodings(texts):
            states = self._run("states", [encoding.ids])[0]
            spans = tuple(encoding.offsets[1:-1])
            unknown, cut = self._unknown_share(encoding), bool(encoding.overflowing)
            found.append(TokenStates(states[1:-1], spans, unknown, cut))
        return found

    def _encodings(self, texts: Sequence[str]) -> list[Encoding]:
        return list(self._tokenizer.encode_batch([prepared(text) for text in texts]))

    def _run(self, output: str, rows: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        lengths = np.array([len(row) for row in rows], dtype=np.int32)
        ids = np.zeros((len(rows), int(lengths.max())), dtype=np.int64)
        for line, row in zip(ids, rows, strict=True):
            line[: len(row)] = row
        return np.asarray(self._session.run([output], {"ids": ids, "lengths": lengths})[0])
