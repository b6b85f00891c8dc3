"""``/v1/drift``: whether the texts that come are still like those that the model was examined on."""

from fastapi import APIRouter
from pydantic import BaseModel

from models.drift import FEWEST, Verdict, shares, stability_index, verdict
from models.errors import RequestError
from service.dependencies import BundleDep, EngineDep
from service.problems import refusals
from service.wire import ModelName

router = APIRouter(tags=["sight"])


class FeatureDrift(BaseModel):
    """The population stability index of a feature, its verdict, and the shares of its bins then and now."""

    index: float | None
    verdict: Verdict
    expected: dict[str, float]
    found: dict[str, float]


class DriftAnswer(BaseModel):
    """What the texts that this process answered look like beside the exam; without an index where they are few."""

    model: ModelName
    texts: int
    expected_texts: int
    features: dict[str, FeatureDrift]


@router.get("/v1/drift", responses=refusals(404))
def drift(bundle: BundleDep, engine: EngineDep) -> DriftAnswer:
    """Hold the last texts that the served version answered against those that it was examined on, by feature."""
    reference = bundle.reference
    if reference is None:
        detail = "The model that serves was fitted without reference.json, so drift cannot be told; fit anew."
        raise RequestError(404, "reference_missing", detail)
    found = engine.recent.mixes(bundle)
    return DriftAnswer(
        model=ModelName(version=bundle.manifest.version),
        texts=sum(found.get("language", {}).values()),
        expected_texts=reference.texts,
        features={name: _feature(mix, found.get(name, {})) for name, mix in reference.mixes.items()},
    )


def _feature(expected: dict[str, int], found: dict[str, int]) -> FeatureDrift:
    index = stability_index(expected, found) if sum(found.values()) >= FEWEST else None
    return FeatureDrift(
        index=None if index is None else round(index, 4),
        verdict="too_few" if index is None else verdict(index),
        expected=_rounded(expected),
        found=_rounded(found),
    )


def _rounded(mix: dict[str, int]) -> dict[str, float]:
    return {name: round(share, 4) for name, share in sorted(shares(mix).items())}
