"""A browser that notes whatever should not happen: words in the console, requests to elsewhere, broken policy."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

from models.bundle import RELEASED
from service.keys import new_key
from tests.conftest import ROOT, serving

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",  # the tests may run as root
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
LOCALES = {"ru": "ru-RU", "uk": "uk-UA", "en": "en-GB"}
WATCH = """addEventListener("securitypolicyviolation", (event) =>
  console.error("policy", event.effectiveDirective, event.blockedURI, event.sourceFile, event.lineNumber))"""
SECRETS = {name: new_key(name, role) for name, role in (("desk", "predict"), ("anna", "annotate"))}


@dataclass
class Desk:
    """Open pages of a service and hold that nothing unseemly happened in them."""

    browser: Browser
    url: str
    secrets: dict[str, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    opened: list[Page] = field(default_factory=list)

    def open(self, path: str = "/", lang: str = "en", scheme: Any = "light", phone: bool = False) -> Page:
        size: Any = {"width": 390, "height": 844} if phone else {"width": 1280, "height": 900}
        context = self.browser.new_context(
            locale=LOCALES[lang], color_scheme=scheme, viewport=size, accept_downloads=True
        )
        context.add_init_script(WATCH)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        page.on("request", self._request)
        page.goto(self.url + path)
        self.opened.append(page)
        return page

    def _console(self, message: ConsoleMessage) -> None:
        # The browser itself writes of every answer that is no success; what came of it is for the test to say.
        if not message.text.startswith("Failed to load resource:"):
            self.said.append(message.text)

    def _request(self, request: Request) -> None:
        if not request.url.startswith((self.url, "blob:", "data:")):
            self.said.append(f"request: {request.url}")

    def close(self) -> None:
        for page in self.opened:
            page.context.close()
        assert self.said == []


expect.set_options(timeout=30_000)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


RELEASE = {"STANCE_BUNDLE": str(RELEASED)}


@pytest.fixture(scope="session")
def url(serve_to_all: Callable[..., str]) -> str:
    return serve_to_all(RELEASE)


@pytest.fixture
def desk(browser: Browser, url: str) -> Iterator[Desk]:
    found = Desk(browser, url)
    yield found
    found.close()


@pytest.fixture(scope="session")
def locked(serve_to_all: Callable[..., str]) -> str:
    return serve_to_all({**RELEASE, "STANCE_API_KEYS": ",".join(entry for _, entry in SECRETS.values())})


@pytest.fixture
def gate(browser: Browser, locked: str) -> Iterator[Desk]:
    """Open pages of a service that has keys, and hand out their secrets."""
    found = Desk(browser, locked, {name: secret for name, (secret, _) in SECRETS.items()})
    yield found
    found.close()


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Serve the released model with a database in a folder; give the address and the process, which may be killed."""
    env = {**RELEASE, "STANCE_DATABASE_URL": f"sqlite:///{folder / 'stance.db'}"}
    with serving(env, folder / "log") as (process, address):
        yield address, process


@pytest.fixture
def mortal(browser: Browser, tmp_path: Path) -> Iterator[tuple[Desk, "subprocess.Popen[str]"]]:
    """Open pages of a service of the test's own, to be killed in the middle."""
    with served(tmp_path) as (address, process):
        found = Desk(browser, address)
        yield found, process
        found.close()


def drop(page: Page, file: Path, at: tuple[int, int] = (300, 40)) -> None:
    """Drop a file from the disk on a place of the page, as the browser does it for a hand."""
    session = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(file)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, "x": at[0], "y": at[1], "data": data})
    session.detach()


def words(lang: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((ROOT / "service" / "page" / "words" / f"{lang}.json").read_text("utf-8"))
    return read
