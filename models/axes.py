"""What an axis is. Which axes exist is data: ``data/axes.toml`` when fitting, the manifest when serving."""

import re
import tomllib
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from models.errors import AxesError

RESERVED = frozenset({"language", "version", "error", "uncertain", "article", "start", "end"})
"""Names that columns of the table form and the summary of an article use for themselves."""

NAME = re.compile(r"[a-z][a-z0-9]*")


def _name(value: str) -> str:
    if not NAME.fullmatch(value):
        raise ValueError("a name is lower-case Latin letters and digits and begins with a letter")
    if value in RESERVED:
        raise ValueError(f"the name {value!r} is reserved")
    return value


Name = Annotated[str, AfterValidator(_name)]


class Axis(BaseModel):
    """Declare one question asked of a statement and the labels that answer it, in their order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    labels: Annotated[tuple[Name, ...], Field(min_length=2)]
    neutral: str
    description: Annotated[str, Field(min_length=1)]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(set(self.labels)) < len(self.labels):
            raise ValueError("a label stands twice")
        if self.neutral not in self.labels:
            raise ValueError(f"the neutral label {self.neutral!r} is not one of the labels")
        return self


class _Declaration(BaseModel):
    model_config = ConfigDict(extra="forbid")

    axis: Annotated[tuple[Axis, ...], Field(min_length=1)]


def read_axes(path: Path) -> tuple[Axis, ...]:
    """Read the declared axes of a TOML file.

    Raises:
        AxesError: the file is missing, no TOML, or declares an axis against the rules; names the place.
    """
    try:
        declared = _Declaration.model_validate(tomllib.loads(path.read_text(encoding="utf-8"))).axis
    except OSError as error:
        raise AxesError(f"{path}: cannot be read ({error.strerror}); the axes are declared there") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise AxesError(f"{path}: not TOML: {error}") from error
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise AxesError(f"{path}: {faults}") from error
    names = [axis.name for axis in declared]
    if len(set(names)) < len(names):
        raise AxesError(f"{path}: two axes have the same name")
    return declared
