import json

import pytest

from tests.conftest import ROOT
from training.pages import EXCLUDED, canonical, excluded, excluded_digests


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/a/b",
        "http://www.example.org/a/b/",
        "https://m.example.org:8080/a/b#part",
        "https://amp.EXAMPLE.org/a/b/amp?utm_source=x&fbclid=1",
        "https://mobile.example.org/a/%62/",
        " https://example.org/a/b?ref=home&from=feed ",
    ],
)
def test_copies_of_a_page_have_one_form(url: str) -> None:
    assert canonical(url) == "example.org/a/b"


def test_what_chooses_the_page_stays() -> None:
    assert canonical("https://example.org/?p=7&a=1") == "example.org?a=1&p=7"
    assert canonical("https://example.org/a") != canonical("https://example.org/b")


def test_the_pages_behind_the_outside_check_are_excluded() -> None:
    digests = excluded_digests(EXCLUDED)
    gold = [json.loads(line) for line in (ROOT / "data" / "gold-dev.jsonl").read_text("utf-8").splitlines()]
    assert all(excluded(row["source_url"], digests) for row in gold)
    assert not excluded("https://example.org/", digests)
