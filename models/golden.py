"""The golden texts of a bundle: what was answered when it was fitted, and must be answered again."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from models.errors import BundleDamaged, BundleDiffers, BundleForeign
from models.heads import Heads
from models.integrity import REMEDY
from models.stance import StanceModel

GOLDEN_MARGIN = 0.1
"""Least distance between the first two labels of a golden text, so that its label is the same on any processor."""
GOLDEN_TOLERANCE = 0.02
"""Most that a golden probability may differ: processors round differently."""
ARRAYS_TOLERANCE = 1e-9
"""Most that heads as plain arrays may differ from the estimators that they were taken from."""


def golden_lines(model: StanceModel, texts: Sequence[str]) -> str:
    """Return golden texts with what a model answers, a line each."""
    probabilities = model.heads.probabilities(texts, model.axes)
    return "".join(
        json.dumps(
            {
                "text": text,
                "probabilities": {
                    axis.name: dict(zip(axis.labels, probabilities[axis.name][i].tolist(), strict=True))
                    for axis in model.axes
                },
            },
            ensure_ascii=False,
        )
        + "\n"
        for i, text in enumerate(texts)
    )


def self_test(file: Path, model: StanceModel, content: bytes) -> None:
    """Answer the golden texts of a bundle again.

    Raises:
        BundleDamaged: they do not fit the model.
        BundleForeign: the model takes no texts.
        BundleDiffers: an answer, or the arithmetic of the heads, is another.
    """
    try:
        golden = [json.loads(line) for line in content.decode().split("\n") if line]  # a text may hold other breaks
        if not golden:
            raise ValueError("no golden text")
        texts = [str(row["text"]) for row in golden]
        recorded = {
            axis.name: np.array([[row["probabilities"][axis.name][label] for label in axis.labels] for row in golden])
            for axis in model.axes
        }
        vectors = _vectors(file, model, texts)
        found = model.heads.answers(vectors, model.axes)
        exact = vectors if model.heads.arrays is None else vectors.astype(float)
        fitted = Heads(None, model.heads.estimators).answers(exact, model.axes)
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise BundleDamaged(
            f"{file}: does not fit the manifest and the heads beside it ({type(error).__name__}); {REMEDY}"
        ) from error
    apart = max(float(np.abs(found[axis.name] - fitted[axis.name]).max()) for axis in model.axes)
    if not apart <= ARRAYS_TOLERANCE:
        raise BundleDiffers(
            f"{file.with_name('heads.joblib')}: expected heads of known arithmetic, found answers that differ from it "
            f"by {apart:.1g}; fit anew"
        )
    for axis in model.axes:
        now, then = found[axis.name], recorded[axis.name]
        for line, (p, q) in enumerate(zip(now, then, strict=True), 1):
            if p.argmax() != q.argmax() or np.abs(p - q).max() > GOLDEN_TOLERANCE:
                raise BundleDiffers(
                    f"{file}:{line}: {axis.name}: expected {q.round(4).tolist()}, found {p.round(4).tolist()}; "
                    "this machine computes otherwise than the one that fitted: fit anew here"
                )


def _vectors(golden: Path, model: StanceModel, texts: Sequence[str]) -> Any:
    try:
        return model.heads.features.transform(texts)
    except Exception as error:  # a graph of another network can raise anything at all
        name = "heads.joblib" if model.heads.arrays is None else "encoder.onnx"
        raise BundleForeign(
            f"{golden.with_name(name)}: whole, but takes no texts ({type(error).__name__}); another version wrote it: "
            "fit anew"
        ) from error
