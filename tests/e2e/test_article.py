"""Way one: read an article."""

import csv
import io
import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import LOCALES, Desk, words

HOSTILE = (
    "The minister said <img src=x onerror=\"document.title='broken'\"> that troops stay. "
    "=1+1 soldiers <script>document.title='broken'</script> will not be sent to Ukraine, she added. "
    "Peacekeepers 🕊️ are welcome in <b>Kyiv</b>, the president said."
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
    assert page.locator(".statement.passed-over").count() > 0


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


@pytest.mark.parametrize(
    ("name", "content", "there", "gone"),
    [
        ("a.txt", "Войска не будут отправлены, сказал министр.".encode("cp1251"), "Войска не будут", "�"),
        ("a.txt", b"\xff\xfe" + "Війська не надішлють, сказав міністр.".encode("utf-16-le"), "Війська не", "�"),
        (
            "a.html",
            b"<nav>Menu here</nav><style>p{color:red}</style><article style='color:red'><h1>Talks</h1>"
            b"<p style=color:red>Troops will not go, <b>he</b> said.</p>"
            b"<script>document.title='broken'</script></article><footer>Imprint</footer>",
            "Troops will not go, he said.",
            "Menu",
        ),
    ],
)
def test_files_are_read_in_the_browser(desk: Desk, name: str, content: bytes, there: str, gone: str) -> None:
    page = desk.open()
    expect(page.locator(".statement")).to_have_count(12)
    page.locator("input[type=file]").set_input_files({"name": name, "mimeType": "", "buffer": content})
    expect(page.locator(".reading")).to_contain_text(there)
    expect(page.locator("#text")).not_to_have_value(re.compile(gone))


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
