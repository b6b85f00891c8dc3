from pathlib import Path

import pytest

from models.axes import RESERVED, read_axes
from models.errors import AxesError
from training.corpus import AXES

AXIS = '[[axis]]\nname = "tone"\nlabels = ["warm", "cold"]\nneutral = "cold"\ndescription = "How warm it is."\n'


def declared(folder: Path, text: str) -> Path:
    file = folder / "axes.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_declared_axes_are_those_of_the_design() -> None:
    assert {axis.name: axis.labels for axis in read_axes(AXES)} == {
        "troops": ("pro", "anti", "neutral"),
        "outlook": ("optimistic", "skeptical", "neutral"),
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("axis = 3", "axis"),
        ("", "axis"),
        ("[[axis", "not TOML"),
        (AXIS.replace("tone", "Tone"), "lower-case"),
        (AXIS.replace('"warm"', '"cold"'), "stands twice"),
        (AXIS.replace('neutral = "cold"', 'neutral = "mild"'), "mild"),
        (AXIS.replace('["warm", "cold"]', '["cold"]'), "labels"),
        (AXIS + "colour = 1\n", "colour"),
        (AXIS + AXIS, "same name"),
        *((AXIS.replace("tone", name), "reserved") for name in sorted(RESERVED)),
    ],
)
def test_a_declaration_against_the_rules_is_refused_by_file_and_reason(tmp_path: Path, text: str, told: str) -> None:
    file = declared(tmp_path, text)
    with pytest.raises(AxesError, match=told) as caught:
        read_axes(file)
    assert str(file) in str(caught.value)


def test_a_missing_declaration_is_named(tmp_path: Path) -> None:
    with pytest.raises(AxesError, match=r"axes\.toml.*declared there"):
        read_axes(tmp_path / "axes.toml")
