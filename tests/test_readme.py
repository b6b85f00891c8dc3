"""The examples of the README run against a really running service."""

import re
import shlex
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.conftest import ROOT

BLOCKS = re.findall(r"^```(python|bash)\n(.*?)^```$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def namespace() -> dict[str, Any]:
    return {}


def here(block: str, client: httpx.Client) -> str:
    return block.replace("http://127.0.0.1:8000", str(client.base_url).rstrip("/"))


def python(block: str, namespace: dict[str, Any]) -> None:
    exec(compile(block, "README.md", "exec"), namespace)  # noqa: S102 (our own README)


def curl(block: str, _namespace: dict[str, Any]) -> None:
    """Send what a curl command says, without curl: a fresh machine may lack it."""
    words = shlex.split(block.replace("\\\n", ""))
    assert words[0] == "curl"
    name, value = words[words.index("-H") + 1].split(": ")
    answer = httpx.post(words[1], content=words[words.index("-d") + 1].encode(), headers={name: value})
    assert answer.status_code == 200, answer.text


RUN: dict[str, Callable[[str, dict[str, Any]], None]] = {"python": python, "bash": curl}


@pytest.mark.parametrize(("language", "block"), BLOCKS)
def test_an_example_does_what_it_says(
    client: httpx.Client, namespace: dict[str, Any], language: str, block: str
) -> None:
    RUN[language](here(block, client), namespace)


def test_the_readme_has_examples_of_both_kinds() -> None:
    assert {language for language, _ in BLOCKS} == {"python", "bash"}
