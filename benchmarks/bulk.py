"""Send a hundred megabytes of JSON lines through ``/v1/predict/bulk`` by httpx, by curl and by a browser's fetch.

Three rows in four have a long column beside a short text, so that a hundred megabytes are some 39,000 texts: three
minutes of two cores for each client. Each must read back every row and the closing line. Run by hand; it needs curl,
Playwright and Debian's chromium::

    pip install playwright==1.65.2 && apt-get install -y chromium curl
    python -m benchmarks.bulk --megabytes 100
"""

import argparse
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx

from benchmarks.running import resident, service

MEGABYTES = 100
TEXTS = 300
"""Different texts."""
KIND = "application/x-ndjson"
PIECE = 1 << 20
SECONDS = 1800
"""Longest that a client waits."""
CHROMIUM = "/usr/bin/chromium"
FETCH = """
async ([path, kind]) => {
  const file = document.querySelector("input").files[0];
  const answer = await fetch(path, {method: "POST", headers: {"Content-Type": kind}, body: file});
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let lines = 0, tail = "";
  for (let {done, value} = await reader.read(); !done; {done, value} = await reader.read()) {
    lines += value.split("\\n").length - 1;
    tail = (tail + value).slice(-200);
  }
  return [lines, tail.trim().split("\\n").pop()];
}
"""

Answer = tuple[int, str]
"""How many lines came, and the last of them."""


def write(file: Path, megabytes: int) -> int:
    """Write rows until the file is so large; return how many."""
    rows = 0
    with file.open("wb") as out:
        while out.tell() < megabytes * 1_000_000:
            row = {"id": rows, "text": f"The minister named {rows % TEXTS} reasons not to send soldiers to Ukraine."}
            if rows % 4:
                row["article"] = "Переговори тривають, сказав речник. " * 50
            out.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
            rows += 1
    return rows


def pieces(file: Path) -> Iterator[bytes]:
    """Yield a file in pieces."""
    with file.open("rb") as whole:
        while piece := whole.read(PIECE):
            yield piece


def counted(lines: Iterator[str]) -> Answer:
    """Count lines and keep the last."""
    count, last = 0, ""
    for last in lines:  # noqa: B007
        count += 1
    return count, last.strip()


def by_httpx(url: str, file: Path) -> Answer:
    """Send in pieces, read line by line."""
    path, headers = f"{url}/v1/predict/bulk", {"Content-Type": KIND}
    with httpx.stream("POST", path, content=pieces(file), headers=headers, timeout=SECONDS) as answer:
        answer.raise_for_status()
        return counted(answer.iter_lines())


def by_curl(url: str, file: Path) -> Answer:
    """Send by ``curl -T``, which streams, and read the file that it wrote."""
    curl = shutil.which("curl")
    assert curl, "install curl"
    answer = file.with_name("answer")
    words = ["-sS", "--fail", "-X", "POST", "-H", f"Content-Type: {KIND}", "-T", file, "-o", answer]
    subprocess.run([curl, *words, f"{url}/v1/predict/bulk"], check=True)  # noqa: S603 (our own words)
    with answer.open(encoding="utf-8", newline="\n") as lines:
        return counted(lines)


def by_browser(url: str, file: Path) -> Answer:
    """Send a chosen file by fetch from a page of the service, read the answer as it comes."""
    from playwright.sync_api import sync_playwright  # the others need no browser

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(SECONDS * 1000)
        page.goto(f"{url}/livez")
        page.evaluate("document.body.innerHTML = '<input type=file>'")
        page.set_input_files("input", file)
        lines, last = page.evaluate(FETCH, ["/v1/predict/bulk", KIND])
        browser.close()
    return lines, last


def main() -> None:
    """Send and report."""
    parser = argparse.ArgumentParser(description="Send a large bulk by three clients.")
    parser.add_argument("--megabytes", type=int, default=MEGABYTES, help=f"of the file [{MEGABYTES}]")
    megabytes = parser.parse_args().megabytes
    clients: dict[str, Callable[[str, Path], Answer]] = {
        "httpx": by_httpx,
        "curl -T": by_curl,
        "fetch in Chromium": by_browser,
    }
    with tempfile.TemporaryDirectory(prefix="stance-bulk-") as folder:
        file = Path(folder) / "rows.jsonl"
        rows = write(file, megabytes)
        for name, send in clients.items():
            with service({}) as (url, pid):  # a fresh one each, for its peak of memory
                before, began = resident(pid), time.monotonic()
                lines, last = send(url, file)
                took, most = time.monotonic() - began, resident(pid, "VmHWM")
            assert lines == rows + 1, f"{name}: {lines} lines of {rows} rows"
            assert json.loads(last) == {"done": True, "rows": rows, "errors": 0}, f"{name}: {last}"
            print(f"{name}: {took:.1f} s, {megabytes / took:.1f} MB/s, {rows:,} rows, {last}")
            print(f"  resident, MiB: {before:.0f} before, {most:.0f} at most")


if __name__ == "__main__":
    main()
