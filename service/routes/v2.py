"""``/v2``: the Open Inference Protocol (KServe V2) in JSON, for what speaks it already."""

from collections.abc import Callable, Coroutine
from importlib.metadata import version
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.routing import APIRoute

from models.errors import RequestError
from service.bodies import JsonBody, described
from service.dependencies import BundleDep, EngineDep, SettingsDep, bounded_texts
from service.problems import refusals
from service.tensors import (
    InferAnswer,
    InferRequest,
    ModelReady,
    ModelTensors,
    ServerLive,
    ServerName,
    ServerReady,
    TensorName,
    tensors,
)
from service.wire import stances


class JsonRoute(APIRoute):
    """Refuse tensors in binary, which clients send unless told otherwise, by name and not as faulty JSON."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Look at the header before the body is read."""
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            if "inference-header-content-length" in request.headers:
                detail = "Binary tensors are not taken; send the data in the JSON (tritonclient: binary_data=False)."
                raise RequestError(415, "binary_tensor", detail)
            return await handle(request)

        return handled


health = APIRouter(prefix="/v2/health", tags=["v2"])
router = APIRouter(prefix="/v2", tags=["v2"], route_class=JsonRoute)


@health.get("/live")
async def live() -> ServerLive:
    """Say that the server answers."""
    return ServerLive()


@health.get("/ready")
async def ready() -> ServerReady:
    """Say that the model is being served."""
    return ServerReady()


@router.get("")
async def server() -> ServerName:
    """Name the server and its version."""
    return ServerName(version=version("stance-desk"))


@router.get("/models/stance")
async def model(bundle: BundleDep) -> ModelTensors:
    """Name what the model takes, and per axis what it gives: label, certainty, probabilities."""
    given = tensors(bundle.model.axes, []).values()
    return ModelTensors(
        inputs=[TensorName(name="text", datatype="BYTES", shape=[-1])],
        outputs=[TensorName(name=t.name, datatype=t.datatype, shape=[-1, *t.shape[1:]]) for t in given],
    )


@router.get("/models/stance/ready")
async def model_ready() -> ModelReady:
    """Say that the model is being served."""
    return ModelReady()


@router.post(
    "/models/stance/infer",
    response_model_exclude_none=True,
    responses=refusals(400, 415, 422),
    openapi_extra=described(InferRequest),
)
async def infer(
    # Clients of the protocol name no Content-Type.
    body: Annotated[InferRequest, Depends(JsonBody(InferRequest, untyped=True))],
    bundle: BundleDep,
    engine: EngineDep,
    settings: SettingsDep,
) -> InferAnswer:
    """Classify the texts of a tensor on every axis."""
    axes = bundle.model.axes
    known = tensors(axes, [])
    names = [output.name for output in body.outputs] if body.outputs else list(known)
    for i, name in enumerate(names):
        if name not in known:
            raise RequestError(422, "unknown_output", f"#/outputs/{i}: no such output; /v2/models/stance lists them")
    texts = bounded_texts(body.inputs[0].data, "#/inputs/0/data", settings)
    found = await engine.predict(bundle, texts, deadline=settings.deadline_seconds)
    given = tensors(axes, [stances(prediction) for prediction in found])
    return InferAnswer(
        model_version=bundle.manifest.version, id=body.id, outputs=[given[name] for name in dict.fromkeys(names)]
    )
