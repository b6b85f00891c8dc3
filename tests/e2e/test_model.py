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
    ticks = page.locator(".xtick text, .ytick text").all_text_contents()
    assert len(ticks) > 16
    assert max(int("".join(filter(str.isdigit, tick))) for tick in ticks) == 100  # no share beyond the whole
    figure = model["metrics"][model["axes"][0]["name"]]["all"]["macro_f1"]["value"]
    expect(page.locator(".on-model").first).to_contain_text(f"{figure:.3f}".replace(".", "." if lang == "en" else ","))
    expect(page.get_by_text(said["model"]["shadow_none"])).to_be_visible()
    verdicts = page.locator(".drift tbody td:last-child")
    expect(verdicts).to_have_count(len(httpx.get(f"{desk.url}/v1/drift").json()["features"]))
    assert set(verdicts.all_inner_texts()) <= set(said["model"]["verdicts"].values())
    expect(page.locator(".facts")).to_contain_text(said["model"]["kinds"][model["features"]])
    hidden = page.locator(".on-model > .scroll").evaluate_all(
        "(all) => all.map((n) => n.scrollHeight - n.clientHeight)"
    )
    assert hidden == [0] * len(model["axes"])  # no row of the figures hides below an edge
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
    expect(page.locator("main")).to_contain_text("agrees on 100.0% of 12")
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


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation_where_something_is_wrong_or_open(desk: Desk, gate: Desk, scheme: str) -> None:
    page = gate.open(scheme=scheme)
    page.locator("#dialog-input").fill("no such key")
    page.keyboard.press("Enter")
    expect(page.locator("dialog [role=alert]")).to_be_visible()
    fault_free(page)
    page.keyboard.press("Escape")
    expect(page.get_by_role("alert")).to_be_visible()
    fault_free(page)

    page = desk.open(scheme=scheme)
    expect(page.locator(".statement")).to_have_count(12)
    page.locator(".statement").nth(1).hover()
    fault_free(page)
    page.get_by_role("radio", name="Outlook").check()
    page.locator(".summary").first.get_by_label("neutral").uncheck()
    fault_free(page)
    page.get_by_role("button", name="Link to this text").click()
    expect(page.locator("#link")).to_be_focused()
    fault_free(page)
    page.locator("#text").fill("Troops stay. " * 9000)
    page.locator(".compose .chief").click()
    expect(page.get_by_role("alert")).to_be_visible()
    fault_free(page)

    page.locator("nav a").nth(1).click()
    fault_free(page)
    give(page, "a.csv", as_csv([{**row, "body": ""} if n < 2 else row for n, row in enumerate(table(12))]))
    start(page)
    expect(page.locator(".plot .main-svg").first).to_be_visible()
    page.locator("[role=columnheader] button").first.click()
    for numbers in page.locator(".under summary").all():
        numbers.click()
    fault_free(page)
    page.locator(".grid .rows [role=row]").first.click()
    expect(page.locator("dialog .problem")).to_be_visible()
    fault_free(page)
    page.keyboard.press("Escape")
    page.locator(".grid .rows [role=row]").nth(4).click()
    page.locator("dialog .correction summary").click()
    page.get_by_role("button", name="Save the correction").click()
    expect(page.locator("dialog .told")).not_to_be_empty()
    page.locator("dialog .correction fieldset").first.get_by_label("against").check()
    page.get_by_role("button", name="Save the correction").click()
    expect(page.locator("dialog").nth(1)).to_have_accessible_name("Who is correcting?")
    fault_free(page)
    page.locator("#dialog-input").fill("hanna")
    page.keyboard.press("Enter")
    expect(page.locator("dialog .told button")).to_be_visible()
    fault_free(page)
    page.keyboard.press("Escape")

    stored(desk, f"porter {scheme}", 1)
    page.locator("nav a").nth(2).click()
    expect(page.locator(".item")).to_be_visible()
    page.keyboard.press("n")
    page.keyboard.type("a note")
    fault_free(page)
    page.route("**/v1/review/*", lambda route: route.abort())
    page.get_by_role("button", name="Skip").click()
    expect(page.locator(".desk [role=alert]")).to_be_visible()
    fault_free(page)


@pytest.mark.parametrize("lang", LOCALES)
def test_every_way_fits_the_narrowest_screen(desk: Desk, lang: str) -> None:
    page = desk.open("/#review", lang, phone=True)
    page.set_viewport_size({"width": 320, "height": 640})  # what a wide screen shows at four times the size
    page.locator("#dialog-input").fill("ivan")
    page.keyboard.press("Enter")
    for way, ready in (
        ("review", ".standing h3"),
        ("model", ".plot .main-svg"),
        ("file", ".drop"),
        ("article", ".reading"),
    ):
        page.goto(f"{desk.url}/#{way}")
        expect(page.locator(ready).first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == 320, way


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
