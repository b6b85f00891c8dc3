"""The OpenAPI document: what the framework writes of the routes, and what only the running service knows."""

from copy import deepcopy
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from service.live import Live
from service.problems import MEDIA_TYPE
from service.routes.feedback import FeedbackRequest
from service.tensors import InferRequest, tensors
from service.wire import AnalyzeRequest, PredictRequest

BODIES: tuple[type[BaseModel], ...] = (PredictRequest, AnalyzeRequest, FeedbackRequest, InferRequest)


class Document:
    """Write the document of an application, by the model that it serves and by whether it has ``keys``."""

    def __init__(self, app: FastAPI, live: Live, keys: bool) -> None:
        self._write = app.openapi
        self._live = live
        self._keys = keys

    def __call__(self) -> dict[str, Any]:
        """Return the document."""
        document = deepcopy(self._write())
        for operation in (operation for path in document["paths"].values() for operation in path.values()):
            if not self._keys:
                operation.pop("security", None)
            for status, response in operation["responses"].items():
                if status >= "400":
                    response["content"] = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
        axes, schemas = self._live.bundle.model.axes, document["components"]["schemas"]
        _, bodies = models_json_schema(
            [(form, "validation") for form in BODIES], ref_template="#/components/schemas/{model}"
        )
        schemas |= bodies["$defs"]
        schemas["FeedbackRequest"]["properties"]["labels"] |= {
            "properties": {axis.name: {"enum": list(axis.labels)} for axis in axes},
            "additionalProperties": False,
        }
        schemas["FeedbackRequest"]["examples"] = [
            {"text": "The talks resume on Friday, a spokesman said.", "labels": {axis.name: axis.neutral}}
            for axis in axes
        ]
        schemas["OutputName"]["properties"]["name"]["enum"] = list(tensors(axes, []))
        return document
