"""Requests and answers of the Open Inference Protocol (KServe V2), texts and labels as tensors in JSON."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, FailFast, Field, StrictInt, model_validator
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from models.axes import Axis
from service.wire import LEGIBLE, StanceAnswer, Text


class TensorName(BaseModel):
    """A tensor by its name, type and shape; -1 is a dimension of any size."""

    name: str
    datatype: Literal["BYTES", "BOOL", "FP32"]
    shape: list[int]


class Tensor(TensorName):
    """An output, its values row by row."""

    parameters: Annotated[
        dict[str, str] | None, Field(description="Of probabilities: `labels`, which name the columns, with commas.")
    ] = None
    data: list[str] | list[bool] | list[float]


def _flat(data: Any) -> Any:
    """Take rows of one value for the values: the protocol lets data be nested as its shape says, or flat."""
    if isinstance(data, list):
        return [each[0] if isinstance(each, list) and len(each) == 1 else each for each in data]
    return data


_TEXT: JsonDict = {"type": "string", **LEGIBLE}
ROWS: JsonDict = {"items": {"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1, "maxItems": 1}]}}


class TextTensor(BaseModel):
    """The texts, as the only input."""

    name: Literal["text"]
    datatype: Literal["BYTES"]
    shape: Annotated[
        list[StrictInt],
        FailFast(),
        Field(description="[n] or [n, 1].", json_schema_extra={"minItems": 1, "maxItems": 2}),
    ]
    data: Annotated[list[Text], FailFast(), BeforeValidator(_flat), Field(json_schema_extra={"minItems": 1, **ROWS})]

    @model_validator(mode="after")
    def _of_its_shape(self) -> Self:
        count = len(self.data)
        if self.shape not in ([count], [count, 1]):
            raise PydanticCustomError(
                "wrong_shape", "the shape of {count} texts is [{count}] or [{count}, 1]", {"count": count}
            )
        if not count:
            raise PydanticCustomError("no_texts", "the tensor is empty; send at least one text")
        return self


class OutputName(BaseModel):
    """An output that is asked for."""

    name: str


EXAMPLE: JsonDict = {
    "inputs": [{"name": "text", "datatype": "BYTES", "shape": [1], "data": ["The talks resume on Friday, he said."]}]
}


class InferRequest(BaseModel):
    """Texts to answer, and the outputs that are asked for: all where none is named.

    What the protocol's extensions would add is passed over; the answer is JSON whatever form they ask for.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    id: Annotated[str | None, Field(description="Given back with the answer.")] = None
    inputs: Annotated[list[TextTensor], FailFast(), Field(min_length=1, max_length=1)]
    outputs: Annotated[list[OutputName] | None, FailFast()] = None


class InferAnswer(BaseModel):
    """The outputs that were asked for, each once, in the order of the request."""

    model_name: str = "stance"
    model_version: str
    id: str | None = None
    outputs: list[Tensor]


class ServerLive(BaseModel):
    """The server answers."""

    live: bool = True


class ServerReady(BaseModel):
    """A verified model is being served: without one the server does not start."""

    ready: bool = True


class ModelReady(ServerReady):
    """The model is being served."""

    name: str = "stance"


class ServerName(BaseModel):
    """The server, and the extensions of the protocol that it has: none."""

    name: str = "stance-desk"
    version: str
    extensions: list[str] = []


class ModelTensors(BaseModel):
    """What the model takes and gives; no version is named, for none can be asked for."""

    name: str = "stance"
    platform: str = "stance_bundle"
    inputs: list[TensorName]
    outputs: list[TensorName]


def tensors(axes: Sequence[Axis], answers: Sequence[Mapping[str, StanceAnswer]]) -> dict[str, Tensor]:
    """Put stances in tensors, three an axis: label [n], whether it is certain [n], and probabilities [n, labels]."""
    count, made = len(answers), []
    for axis in axes:
        stances = [answer[axis.name] for answer in answers]
        shares = [stance.probabilities[label] for stance in stances for label in axis.labels]
        labels = {"labels": ",".join(axis.labels)}  # the protocol has no lists here
        made += [
            Tensor(name=axis.name, datatype="BYTES", shape=[count], data=[stance.label for stance in stances]),
            Tensor(
                name=f"{axis.name}_certain", datatype="BOOL", shape=[count], data=[stance.certain for stance in stances]
            ),
            Tensor(
                name=f"{axis.name}_probabilities",
                datatype="FP32",
                shape=[count, len(axis.labels)],
                parameters=labels,
                data=shares,
            ),
        ]
    return {tensor.name: tensor for tensor in made}
