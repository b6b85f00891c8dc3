"""Way one: read an article."""

import base64
import csv
import hashlib
import io
import json
import re
import zlib
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import LOCALES, Desk, words

HOSTILE = (
    "The minister said <img src=x onerror=\"document.title='broken'\"> that troops stay. "
    "=1+1 soldiers <script>document.title='broken'</script> will not be sent to Ukraine, she added. "
    "Peacekeepers 🕊️ are welcome in <b>Kyiv</b>, the president said. "
    "\u202eWritten the other way\u202c and with no\u200bwidth \u200dinside, the envoy spoke of talks."
)


def read(page: Page, text: str) -> None:
    page.locator("#text").fill(text)
    page.locator(".compose .chief").click()
    expect(page.locator(".reading")).to_contain_text(text[:20])


def downloaded(page: Page, name: str) -> str:
    with page.expect_download() as waiting:
        page.get_by_role("button", name=name, exact=True).click()
    return Path(waiting.value.path()).read_text("utf-8")


@pytest.mark.parametrize("lang", LOCALES)
def test_an_example_stands_ready_in_the_language_of_the_browser(desk: Desk, lang: str) -> None:
    page, said = desk.open(lang=lang), words(lang)
    expect(page.get_by_role("heading", level=1)).to_have_text(said["titles"]["article"])
    expect(page.locator(".statement")).to_have_count(12)
    expect(page.locator("html")).to_have_attribute("lang", lang)
    for axis in said["axes"].values():
        expect(page.get_by_role("heading", name=axis["name"])).to_be_visible()
        for label in axis["labels"].values():
            expect(page.locator(".summary", has_text=axis["name"])).to_contain_text(label)


def test_the_language_is_changed_and_kept(desk: Desk) -> None:
    page = desk.open(lang="en")
    expect(page.locator(".statement")).to_have_count(12)
    page.locator("#language").select_option("uk")
    expect(page.locator(".reading")).to_contain_text("Переговори про гарантії")
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "uk")


def test_a_statement_tells_why_by_pointer_and_by_keyboard(desk: Desk) -> None:
    page = desk.open()
    panel = page.locator(".panel")
    expect(panel).to_contain_text("Point at a statement")
    page.locator(".statement").nth(2).hover()
    expect(panel.locator("blockquote")).to_contain_text("Our soldiers are ready")
    expect(panel.locator(".probabilities tr")).to_have_count(6)
    expect(panel.locator(".weights li").first).to_be_visible()
    page.locator(".statement").first.focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    expect(panel.locator("blockquote")).to_contain_text("We will not send")
    page.keyboard.press("Enter")
    expect(page.locator(".statement[aria-pressed=true]")).to_contain_text("We will not send")
    page.keyboard.press("Escape")
    expect(page.locator(".statement[aria-pressed=true]")).to_have_count(0)


def test_from_a_chosen_statement_the_keyboard_goes_to_what_is_told_of_it_and_back(desk: Desk) -> None:
    page = desk.open()
    page.locator(".statement").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("Foreign troops: neutral")
    page.keyboard.press("Tab")
    expect(page.locator(".panel .close")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator(".correction summary")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".statement").first).to_be_focused()
    expect(page.locator(".statement[aria-pressed=true]")).to_have_count(0)
    page.keyboard.press("Enter")
    page.locator(".panel .close").press("Enter")
    expect(page.locator(".statement").first).to_be_focused()


def test_on_a_phone_no_chosen_statement_lies_under_what_is_told_of_it(desk: Desk) -> None:
    page = desk.open(phone=True)
    panel = page.locator(".panel")
    for at in (2, 7, 11):
        page.locator(".statement").nth(at).dispatch_event("click")
        expect(panel).to_be_visible()
        chosen, over = page.locator(".statement").nth(at).bounding_box(), panel.bounding_box()
        assert chosen
        assert over
        assert chosen["y"] >= 0
        assert chosen["y"] + min(chosen["height"], 60) <= over["y"]
        panel.evaluate("(node) => { node.scrollTop = 999; }")
        expect(panel.locator(".close")).to_be_in_viewport()
        panel.locator(".close").click()


@pytest.mark.parametrize("lang", LOCALES)
def test_marks_stand_on_the_line_of_their_statement(desk: Desk, lang: str) -> None:
    page = desk.open(lang=lang, phone=True)
    expect(page.locator(".statement")).to_have_count(12)
    for width in range(300, 420, 12):
        page.set_viewport_size({"width": width, "height": 800})
        apart = page.locator(".statement").evaluate_all(
            """(nodes) => nodes.filter((node) => {
              const [marks, said] = [".marks", ".said"].map((name) => node.querySelector(name).getClientRects()[0]);
              return said.top >= marks.bottom;
            }).map((node) => node.textContent)"""
        )
        assert apart == []


def test_why_the_model_abstains_is_told(desk: Desk) -> None:
    page = desk.open()
    read(page, "Troops, maybe.")
    page.locator(".statement").click()
    expect(page.locator(".panel .reason").first).to_contain_text(words("en")["reasons"]["too_short"])


def test_axes_are_shown_one_at_a_time_and_statements_are_filtered(desk: Desk) -> None:
    page = desk.open()
    statement = page.locator(".statement").nth(2)
    expect(statement.locator(".mark")).to_have_count(2)
    page.get_by_role("radio", name="Outlook").check()
    expect(page.locator(".statement").nth(2).locator(".mark")).to_have_count(1)
    assert page.locator(".statement.passed-over").count() == 0
    page.locator(".summary").first.get_by_label("neutral").uncheck()
    left = page.locator(".statement:not(.passed-over)")
    assert 0 < left.count() < 12
    page.locator(".summary").first.get_by_label("neutral").check()
    page.locator("#least").fill("95")
    kept = 12 - page.locator(".statement.passed-over").count()
    assert kept < 12
    expect(page.locator(".view .small")).to_have_text(f"12 statements, {kept} of them kept by the filter")


def test_what_looks_like_markup_is_shown_as_text_and_taken_along_as_text(desk: Desk) -> None:
    page = desk.open()
    read(page, HOSTILE)
    expect(page.locator(".reading")).to_contain_text("<script>document.title='broken'</script>")
    assert page.locator(".reading img, .reading script, .reading b").count() == 0
    answer = json.loads(downloaded(page, "JSON"))
    assert answer["text"] == HOSTILE
    assert all(each["text"] in HOSTILE for each in answer["statements"])
    rows = list(csv.DictReader(io.StringIO(downloaded(page, "CSV").removeprefix("\ufeff"))))
    assert [row["text"].removeprefix("'") for row in rows] == [each["text"] for each in answer["statements"]]
    assert not [cell for row in rows for cell in row.values() if re.match(r"[=+@\t\r]|-\D", cell)]
    saved = desk.browser.new_page()
    saved.set_content(downloaded(page, "HTML"))
    expect(saved.locator(".reading")).to_contain_text("<script>document.title='broken'</script>")
    assert saved.locator("img, script").count() == 0
    assert saved.title() == words("en")["export"]["title"]
    saved.close()


def test_the_page_that_is_taken_along_needs_nothing_and_lets_nothing_in(desk: Desk) -> None:
    page = desk.open(lang="uk")
    expect(page.locator(".statement")).to_have_count(12)
    content = downloaded(page, "HTML")
    assert "default-src 'none'; style-src 'unsafe-inline'" in content
    assert not re.search(r"https?://|<link|<script|<img|@import|url\(", content)
    saved = desk.browser.new_page()
    saved.set_content(content)
    assert saved.locator(".reading .statement[lang=uk]").count() == 12
    assert saved.locator("html").get_attribute("lang") == "uk"
    saved.close()


def test_a_link_carries_the_text_and_no_server_sees_it(desk: Desk) -> None:
    page = desk.open()
    read(page, HOSTILE)
    page.get_by_role("button", name="Link to this text").click()
    link = page.locator("#link").input_value()
    assert link.startswith(f"{desk.url}/#article=")
    other = desk.open("/" + link.removeprefix(desk.url + "/"))
    expect(other.locator("#text")).to_have_value(HOSTILE)
    expect(other.locator(".reading")).to_contain_text("Peacekeepers 🕊️ are welcome")
    broken = desk.open("/#article=AAAA")
    expect(broken.get_by_role("alert")).to_have_text(words("en")["article"]["link_broken"])


def test_what_is_too_much_for_a_link_is_told_and_a_link_that_swells_is_refused(desk: Desk) -> None:
    page, said = desk.open(), words("en")["article"]
    text = " ".join(f"{hashlib.sha256(str(n).encode()).hexdigest()} said no." for n in range(400))
    read(page, text)
    page.get_by_role("button", name="Link to this text").click()
    expect(page.locator(".takeaway .told")).to_contain_text(said["link_long"].split("{n}")[0])
    assert page.locator("#link").count() == 0
    packed = zlib.compressobj(wbits=-15)
    signs = base64.urlsafe_b64encode(packed.compress(b"a" * 50_000_000) + packed.flush()).decode().rstrip("=")
    swollen = desk.open(f"/#article={signs}")
    expect(swollen.get_by_role("alert")).to_have_text(said["link_broken"])


def test_an_address_carries_the_text_that_is_shown_and_no_other(desk: Desk) -> None:
    page = desk.open()
    read(page, "Troops will not be sent to Ukraine, the minister said.")
    page.get_by_role("button", name="Link to this text").click()
    expect(page).to_have_url(re.compile("#article=."))
    read(page, "Peacekeepers are welcome in Kyiv, the president said.")
    expect(page).to_have_url(f"{desk.url}/#article")


def test_what_was_typed_is_kept_while_other_ways_and_languages_are_gone(desk: Desk) -> None:
    page = desk.open()
    expect(page.locator(".statement")).to_have_count(12)
    page.locator("#text").fill("Typed, not read yet.")
    page.locator("nav a").nth(3).click()
    expect(page.locator(".facts")).to_be_visible()
    page.locator("nav a").nth(0).click()
    expect(page.locator("#text")).to_have_value("Typed, not read yet.")
    page.locator("#language").select_option("ru")
    expect(page.locator(".compose .chief")).to_have_text(words("ru")["article"]["read"])
    expect(page.locator("#text")).to_have_value("Typed, not read yet.")
    page.get_by_role("button", name=words("ru")["article"]["example"]).click()
    expect(page.locator("#text")).to_have_value("Typed, not read yet.")


@pytest.mark.parametrize("lang", LOCALES)
def test_what_is_refused_is_told_in_the_readers_language(desk: Desk, lang: str) -> None:
    page, problems = desk.open(lang=lang), words(lang)["problems"]
    expect(page.locator(".statement")).to_have_count(12)
    page.locator(".compose .chief").click()
    expect(page.get_by_role("alert")).to_have_text(problems["blank_text"])
    page.locator("#text").fill("Troops stay. " * 9000)
    page.locator(".compose .chief").click()
    expect(page.get_by_role("alert")).to_contain_text(problems["text_too_long"])


def test_a_statement_is_corrected_in_place_and_the_correction_withdrawn(desk: Desk) -> None:
    page = desk.open()
    page.locator(".statement").nth(2).click()
    page.locator(".correction summary").click()
    page.locator(".correction fieldset").first.get_by_label("against").check()
    page.get_by_role("button", name="Save the correction").click()
    page.locator("#dialog-input").fill("anna")
    page.keyboard.press("Enter")
    expect(page.locator(".correction .told")).to_contain_text("Saved")
    page.locator(".correction .told button").click()
    expect(page.locator(".correction .told")).to_contain_text("withdrawn")
