"""Measure the page in Chromium: how long 200 statements take to be painted, and how smoothly 20,000 rows scroll.

Run with the extra ``browser``: ``python -m benchmarks.page``. Prints medians of several runs and the slowest.
"""

import csv
import io
import json
import statistics
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.conftest import ROOT
from tests.e2e.conftest import CHROMIUM, FLAGS, served

STATEMENTS, ROWS, RUNS = 200, 20_000, 5
PAINTED = """(fewest) => new Promise((resolve) => {
  const before = performance.getEntriesByName(location.origin + "/v1/analyze").length;
  const seen = new MutationObserver(() => {
    if (document.querySelectorAll(".statement").length < fewest) return;
    seen.disconnect();
    requestAnimationFrame(() => setTimeout(() => {  // after the frame that shows them
      const now = performance.now();
      const answer = performance.getEntriesByName(location.origin + "/v1/analyze").at(before);
      resolve(now - answer.responseEnd);
    }));
  });
  seen.observe(document.querySelector(".result"), { childList: true });
  document.querySelector(".compose .chief").click();
})"""
SCROLLED = """(pixels) => new Promise((resolve) => {
  const grid = document.querySelector(".grid"), times = [];
  const step = (now) => {
    times.push(now);
    grid.scrollTop += pixels;
    if (times.length < 241) requestAnimationFrame(step);
    else resolve(times.slice(1).map((time, i) => time - times[i]));
  };
  grid.scrollTop = 0;
  requestAnimationFrame(step);
})"""


def main() -> None:
    """Measure and print."""
    lines = (ROOT / "data" / "corpus" / "composed-talks.jsonl").read_text("utf-8").splitlines()[:STATEMENTS]
    texts = [json.loads(line)["text"] for line in lines]
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        with served(Path(folder)) as (address, _process):
            page = chromium.new_page(locale="en-GB", viewport={"width": 1280, "height": 900})
            page.set_default_timeout(600_000)
            page.goto(address)
            page.locator(".statement").first.wait_for()
            _paint(page, texts)
            _scroll(page, texts)
        chromium.close()


def _paint(page: Page, texts: list[str]) -> None:
    page.locator("#text").fill("\n\n".join(texts))
    times = [page.evaluate(PAINTED, STATEMENTS - 10) for _ in range(RUNS)]
    shown = page.locator(".statement").count()
    print(
        f"{shown} statements painted after the answer: {statistics.median(times):.0f} ms, at most {max(times):.0f} ms"
    )


def _scroll(page: Page, texts: list[str]) -> None:
    sheet = io.StringIO()
    writer = csv.writer(sheet)
    writer.writerows([["text"], *([texts[n % len(texts)]] for n in range(ROWS))])
    page.locator("nav a").nth(1).click()
    given = {"name": "rows.csv", "mimeType": "text/csv", "buffer": sheet.getvalue().encode()}
    page.locator("input[type=file]").set_input_files(given)  # type: ignore[arg-type]
    page.locator(".sending .chief").click()
    page.locator(".state p", has_text="rows read").wait_for()
    for pixels in (40, 400, 3000):
        frames = page.evaluate(SCROLLED, pixels)
        slow = sorted(frames)[int(0.95 * len(frames))]
        print(
            f"{ROWS} rows, {pixels} pixels a frame: {1000 * len(frames) / sum(frames):.0f} frames a second, "
            f"19 of 20 within {slow:.1f} ms"
        )


if __name__ == "__main__":
    main()
