"""``/v1/model``: what is being served."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, Field

from models.axes import Axis
from service.dependencies import BundleDep, SettingsDep, ShadowDep
from service.wire import ModelName

router = APIRouter(tags=["model"])


class ShadowAnswer(BaseModel):
    """A challenger that answers unseen, and per axis on what share of the texts it agrees."""

    version: str
    share: float
    compared: dict[str, int]
    agreement: dict[str, float]


class ModelAnswer(ModelName):
    """The served model: what it answers, in which languages, when it abstains and how well it did."""

    created: datetime
    features: str
    axes: tuple[Axis, ...]
    languages: tuple[str, ...]
    thresholds: dict[str, float]
    corpus: dict[str, Any]
    last_feedback: Annotated[int | None, Field(description="The newest correction that it learnt from, by its id.")]
    metrics: dict[str, Any]
    shadow: ShadowAnswer | None
    mlflow_url: str | None


@router.get("/v1/model")
async def model(bundle: BundleDep, shadow: ShadowDep, settings: SettingsDep) -> ModelAnswer:
    """Describe the served model, with its figures on the exam and their 95 % intervals."""
    manifest = bundle.manifest
    return ModelAnswer(
        version=manifest.version,
        created=manifest.created,
        features=manifest.features,
        axes=manifest.axes,
        languages=manifest.languages,
        thresholds=manifest.thresholds,
        corpus={"digest": manifest.corpus.digest, "rows": manifest.corpus.rows},
        last_feedback=manifest.last_feedback,
        metrics=manifest.metrics,
        shadow=ShadowAnswer(
            version=shadow.bundle.manifest.version,
            share=shadow.share,
            compared=dict(shadow.compared),
            agreement=shadow.agreement(),
        )
        if shadow
        else None,
        mlflow_url=settings.mlflow_url,
    )


class Markdown(PlainTextResponse):
    """Send Markdown."""

    media_type = "text/markdown"


@router.get("/v1/model/card", response_class=Markdown)
async def card(bundle: BundleDep) -> Markdown:
    """Return the card of the served model in Markdown: what it was made of, how well it does, what it is bad at."""
    return Markdown(bundle.card)
