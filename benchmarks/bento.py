"""The service that `serving.py` lets BentoML serve: the bundle in `STANCE_BUNDLE`, with adaptive batching."""

import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import bentoml

from models.bundle import load_bundle
from models.language import load as load_languages


@bentoml.service(workers=1)
class Stance:
    """Answer texts on every axis."""

    def __init__(self) -> None:
        load_languages()
        self.model = load_bundle(Path(os.environ["STANCE_BUNDLE"]), int(os.environ["STANCE_THREADS"])).model

    @bentoml.api(batchable=True, max_batch_size=32)
    def predict(self, texts: list[str]) -> list[dict[str, Any]]:
        """Return one prediction a text, in order."""
        return [asdict(prediction) for prediction in self.model.predict(texts)]
