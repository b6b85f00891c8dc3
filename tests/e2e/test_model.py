"""Way four: know the model; and what holds in all four."""

from collections.abc import Callable

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from models.bundle import RELEASED
from tests.e2e.conftest import LOCALES, Desk, words
from tests.e2e.test_file import as_csv, give, start, table
from tests.e2e.test_review import stored


@pytest.mark.parametrize("lang", LOCALES)
def test_the_model_tells_what_it_is_and_how_well_it_does(desk: Desk, lang: str) -> None:
    page, said = desk.open("/#model", lang), words(lang)
    model = httpx.get(f"{desk.url}/v1/model").json()
    expect(page.locator(".facts")).to_contain_text(model["version"])
    expect(page.locator(".chart")).to_have_count(2 * len(model["axes"]))
    for index in range(2 * len(model["axes"])):
        expect(page.locator(".plot").nth(index).locator(".main-svg").first).to_be_visible()
    figure = model["metrics"][model["axes"][0]["name"]]["all"]["macro_f1"]["value"]
    expect(page.locator(".on-model").first).to_contain_text(f"{figure:.3f}".replace(".", "." if lang == "en" else ","))
    expect(page.get_by_text(said["model"]["shadow_none"])).to_be_visible()
    verdicts = page.locator(".drift tbody td:last-child")
    expect(verdicts).to_have_count(len(httpx.get(f"{desk.url}/v1/drift").json()["features"]))
    assert set(verdicts.all_inner_texts()) <= set(said["model"]["verdicts"].values())
    page.locator(".whole-card summary").click()
    expect(page.locator(".card h3, .card h4").first).to_be_visible()
    assert page.locator(".card .figures").count() > 3


def test_the_shadow_and_the_experiments_are_told(browser: Browser, serve: Callable[..., str]) -> None:
    models = RELEASED.parent
    env = {
        "STANCE_STORE": str(models),
        "STANCE_SHADOW": f"{RELEASED.name}:1",
        "STANCE_MLFLOW_URL": "http://127.0.0.1:5000",
    }
    desk = Desk(browser, serve({**env, "STANCE_BUNDLE": str(RELEASED)}))
    expect(desk.open().locator(".statement")).to_have_count(12)
    page = desk.open("/#model")
    expect(page.get_by_role("link", name="Experiments in MLflow")).to_have_attribute("href", env["STANCE_MLFLOW_URL"])
    expect(page.locator("main")).to_contain_text("answers 100% of the requests unseen")
    expect(page.locator("main")).to_contain_text("agrees on 100% of 12")
    desk.close()


def fault_free(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize(("scheme", "phone"), [("light", False), ("dark", False), ("light", True), ("dark", True)])
def test_axe_finds_no_violation(desk: Desk, scheme: str, phone: bool) -> None:
    stored(desk, f"speaker {scheme} {phone}", 1)
    page = desk.open("/", "en", scheme, phone)
    expect(page.locator(".statement")).to_have_count(12)
    page.locator("#least").fill("90")
    fault_free(page)
    page.locator(".statement").nth(2).click()
    page.locator(".correction summary").click()
    fault_free(page)
    page.goto(desk.url + "/#file")
    give(page, "a.csv", as_csv(table(40)))
    start(page)
    expect(page.locator(".plot .main-svg").first).to_be_visible()
    fault_free(page)
    page.locator(".grid .rows [role=row]").first.click()
    expect(page.locator("dialog .weights li").first).to_be_visible()
    fault_free(page)
    page.keyboard.press("Escape")
    page.goto(desk.url + "/#review")
    expect(page.locator("dialog")).to_be_visible()
    fault_free(page)
    page.locator("#dialog-input").fill("eva")
    page.keyboard.press("Enter")
    expect(page.locator(".item")).to_be_visible()
    fault_free(page)
    page.goto(desk.url + "/#model")
    expect(page.locator(".plot .main-svg").first).to_be_visible()
    page.locator(".whole-card summary").click()
    fault_free(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_whole_desk_is_reached_by_keyboard(desk: Desk) -> None:
    page = desk.open()
    expect(page.locator(".statement")).to_have_count(12)
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                "document.activeElement.className || document.activeElement.id || document.activeElement.tagName"
            )
        )
    assert {"skip", "language", "text", "chief", "least"} <= reached
    assert any("statement" in name for name in reached)
