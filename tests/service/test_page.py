"""The page as files: what lets it in, and that it says the same in its languages. A browser tries it in tests/e2e."""

import json
import re
from typing import Any

import httpx
import pytest

from tests.conftest import ROOT
from tests.service.test_problems import refused

PAGE = ROOT / "service" / "page"
WORDS: dict[str, Any] = {file.stem: json.loads(file.read_text("utf-8")) for file in (PAGE / "words").glob("*.json")}


def test_the_policy_is_strict_and_every_part_has_it(client: httpx.Client) -> None:
    index = client.get("/")
    policy = index.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'")
    assert "unsafe" not in policy
    parts = [f"/page/{file.relative_to(PAGE)}" for file in PAGE.rglob("*.*") if file.is_file()]
    for part in [*parts, "/page/plotly.min.js"]:
        answer = client.get(part)
        assert (answer.status_code, answer.headers["content-security-policy"]) == (200, policy), part
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        again = client.get(part, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["/page/nothing.js", "/page/%2e%2e/app.py", "/page/..%2fapp.py", "/page/", "/page"])
def test_nothing_but_its_parts_is_given_out(client: httpx.Client, path: str) -> None:
    refused(client.get(path), 404, "not_found")


def test_no_part_calls_another_host_or_writes_markup() -> None:
    for file in [*PAGE.glob("*.js"), *PAGE.glob("*.css"), PAGE / "index.html"]:
        text = file.read_text("utf-8")
        assert re.findall(r"https?://(?!www\.w3\.org)\w", text) == [], file.name
        for way in ("innerHTML", "insertAdjacentHTML", "document.write", "eval(", " style=", "onclick="):
            assert way not in text.replace("\\sstyle", ""), (file.name, way)


def places(tree: Any, path: str = "") -> dict[str, list[str]]:
    """Return the texts at each place; the forms that a number takes stand together."""
    if isinstance(tree, str):
        return {path: [tree]}
    if isinstance(tree, list):
        return {path: tree}
    if "one" in tree and "other" in tree:
        return {path: list(tree.values())}
    return {place: texts for name, branch in tree.items() for place, texts in places(branch, f"{path}.{name}").items()}


def test_the_languages_say_the_same_with_the_same_values() -> None:
    assert set(WORDS) == {"ru", "uk", "en"}
    english = places(WORDS["en"])
    holes = {place: set(re.findall(r"\{\w+\}", " ".join(texts))) for place, texts in english.items()}
    for lang in ("ru", "uk"):
        found = places(WORDS[lang])
        assert found.keys() == english.keys()
        for place, texts in found.items():
            for text in texts:
                assert set(re.findall(r"\{\w+\}", text)) == holes[place], (lang, place)


def test_every_word_that_the_page_asks_for_is_there_and_none_stands_idle() -> None:
    there = {place.strip(".") for place in places(WORDS["en"])}
    code = "".join(file.read_text("utf-8") for file in PAGE.glob("*.js"))
    asked = set(re.findall(r"""\bt\(\s*["']([\w.]+)["']""", code))
    assert asked <= there
    composed = (
        "axes.",
        "problems.",
        "reasons.",
        "ways.",
        "file.",
        "model.feature",
        "model.index",
        "model.kinds",
        "model.verdict",
    )
    idle = {place for place in there - asked if not place.startswith(composed) and f'"{place}"' not in code}
    assert idle == set()


def test_the_labels_of_the_axes_have_names_in_every_language(client: httpx.Client) -> None:
    for words in WORDS.values():
        for axis in client.get("/v1/model").json()["axes"]:
            assert set(words["axes"][axis["name"]]["labels"]) == set(axis["labels"])
