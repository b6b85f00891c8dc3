"""Take the pictures of the page that the README shows: each way, light and dark, wide and on a phone."""

import csv
import io
import json
import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from tests.conftest import ROOT
from tests.e2e.conftest import CHROMIUM, FLAGS, served

TO = ROOT / "docs" / "screenshots"
COLOURS = 256
HOLDERS = [
    "Northern daily",
    "Harbour gazette",
    "Institute of peace",
    "The opposition",
    "Ministry",
    "An envoy",
    "Union of officers",
]
SIZES: dict[str, Any] = {
    "wide": {"viewport": {"width": 1280, "height": 960}},
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
}


def main() -> None:
    """Serve the released model, open each way in each look, and write pictures of few colours."""
    TO.mkdir(exist_ok=True)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        with served(Path(folder)) as (url, _process):
            texts = [
                row["text"] for row in _rows("composed-talks.jsonl") if row["lang"] == "en" and len(row["text"]) < 120
            ]
            httpx.post(f"{url}/v1/predict", json={"texts": texts[:40], "store": True}, timeout=120).raise_for_status()
            for look in ("light", "dark"):
                for size in SIZES:
                    context = chromium.new_context(locale="en-GB", color_scheme=look, **SIZES[size])  # type: ignore[arg-type]
                    page = context.new_page()
                    page.set_default_timeout(60_000)
                    for way, arrange in WAYS.items():
                        page.goto(f"{url}/#{way}")
                        arrange(page)
                        _picture(page, TO / f"{way}-{look}-{size}.png")
                    context.close()
        chromium.close()


def _rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (ROOT / "data" / "corpus" / name).read_text("utf-8").splitlines()]


def _picture(page: Page, to: Path) -> None:
    page.wait_for_timeout(600)  # charts settle
    page.screenshot(path=to)
    with Image.open(to) as picture:
        picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(to, optimize=True)


def _article(page: Page) -> None:
    page.locator(".statement").nth(2).click()
    shown = page.locator(".reading" if page.evaluate("innerWidth < 600") else ".result")
    shown.evaluate("(node) => scrollTo(0, node.offsetTop - 20)")


def _file(page: Page) -> None:
    """Score composed statements, given to holders who do not exist, most of them of one mind."""
    rows = [row for row in _rows("composed-west.jsonl") + _rows("composed-ukraine.jsonl") if row.get("outlook")][:900]
    sheet = io.StringIO()
    writer = csv.writer(sheet)
    writer.writerow(["date", "holder", "text"])
    kinds = sorted({(row["troops"], row["outlook"]) for row in rows})
    for n, row in enumerate(rows):
        kind = kinds.index((row["troops"], row["outlook"])) + (n % 4 == 0) * n
        day = date(2026, 1, 1) + timedelta(days=n * 37 % 120)
        writer.writerow([day.isoformat(), HOLDERS[kind % len(HOLDERS)], row["text"]])
    given: Any = {"name": "statements.csv", "mimeType": "text/csv", "buffer": sheet.getvalue().encode()}
    page.locator("input[type=file]").set_input_files(given)
    page.locator(".sending .chief").click()
    expect(page.locator(".plot .main-svg").first).to_be_visible(timeout=120_000)
    page.locator(".grid").evaluate("(node) => { node.style.height = '15rem'; scrollTo(0, node.offsetTop - 130); }")


def _review(page: Page) -> None:
    name = page.locator("#dialog-input")
    expect(page.locator(".item").or_(name)).to_be_visible()
    if name.is_visible():
        name.fill("anna")
        page.keyboard.press("Enter")
    expect(page.locator(".item")).to_be_visible()
    page.keyboard.press("2")


def _model(page: Page) -> None:
    expect(page.locator(".plot .main-svg").first).to_be_visible()
    page.locator(".on-model").first.evaluate("(node) => scrollTo(0, node.offsetTop - 90)")


WAYS = {"article": _article, "file": _file, "review": _review, "model": _model}

if __name__ == "__main__":
    main()
