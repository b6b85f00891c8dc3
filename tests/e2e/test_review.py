"""Way three: correct."""

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import LOCALES, Desk, words


def stored(desk: Desk, name: str, count: int) -> list[str]:
    texts = [f"The {name} said on day {n} that soldiers may be sent to Ukraine, or perhaps not." for n in range(count)]
    answer = httpx.post(f"{desk.url}/v1/predict", json={"texts": texts, "store": True}, timeout=60)
    assert answer.status_code == 200
    return texts


def summary(desk: Desk) -> dict[str, int]:
    found: dict[str, int] = httpx.get(f"{desk.url}/v1/review/summary").json()
    return found


def begin(desk: Desk, name: str, lang: str = "en") -> Page:
    page = desk.open("/#review", lang)
    page.locator("#dialog-input").fill(name)
    page.keyboard.press("Enter")
    expect(page.locator(".item, .nothing")).to_be_visible()
    return page


@pytest.mark.parametrize("lang", LOCALES)
def test_two_keys_label_a_statement_and_the_next_one_comes(desk: Desk, lang: str) -> None:
    stored(desk, f"envoy {lang}", 3)
    said = words(lang)["review"]
    page = begin(desk, f"anna-{lang}", lang)
    first, before = page.locator(".item").inner_text(), summary(desk)
    page.keyboard.press("n")
    page.keyboard.type("12q, a note")
    page.keyboard.press("Enter")
    page.keyboard.press("2")
    expect(page.locator("[aria-pressed=true]")).to_have_count(1)
    page.keyboard.press("KeyQ" if lang == "en" else "q")
    expect(page.locator(".told")).to_have_text(said["saved"])
    expect(page.locator(".item")).not_to_have_text(first)
    assert summary(desk)["labelled"] == before["labelled"] + 1
    page.keyboard.press("z")
    expect(page.locator(".item")).to_have_text(first)
    assert summary(desk)["labelled"] == before["labelled"]
    page.keyboard.press("x")
    expect(page.locator(".told")).to_have_text(said["skipped"])
    expect(page.locator(".item")).not_to_have_text(first)
    expect(page.locator(".command")).to_contain_text(f"curl -f {desk.url}/v1/feedback -o data/corpus/corrected.jsonl")


def test_who_labels_by_keyboard_is_taken_to_the_next_statement(desk: Desk) -> None:
    stored(desk, "clerk", 3)
    page = begin(desk, "olena")
    first = page.locator(".item").inner_text()
    page.locator("#review-note").fill("a note")
    page.locator("[data-axis]").nth(0).press("Enter")
    page.locator("[data-axis]").nth(4).press("Enter")
    expect(page.locator(".item")).not_to_have_text(first)
    expect(page.locator(".item")).to_be_focused()
    page.get_by_role("button", name="Undo the last").press("Enter")
    expect(page.locator(".item")).to_have_text(first)
    expect(page.locator(".item")).to_be_focused()
    expect(page.locator("#review-note")).to_have_value("a note")
    page.get_by_role("button", name="Skip").press("Enter")
    expect(page.locator(".item")).not_to_have_text(first)
    expect(page.locator(".item")).to_be_focused()


def test_what_was_saved_is_not_saved_again_where_the_next_does_not_come(desk: Desk) -> None:
    stored(desk, "guard", 3)
    page = begin(desk, "petro")
    first, before = page.locator(".item").inner_text(), summary(desk)
    page.route("**/v1/review?*", lambda route: route.abort())
    page.keyboard.press("1")
    page.keyboard.press("q")
    alert = page.locator(".desk [role=alert]")
    expect(alert).to_contain_text(words("en")["problems"]["unreachable"])
    page.unroute("**/v1/review?*")
    alert.get_by_role("button").click()
    expect(page.locator(".item")).not_to_have_text(first)
    expect(alert).to_have_count(0)
    assert summary(desk)["labelled"] == before["labelled"] + 1
    expect(page.locator(".standing .strong")).to_contain_text(f"{summary(desk)['awaiting']} corrected text")


def test_a_statement_that_was_deleted_meanwhile_is_left_behind(desk: Desk) -> None:
    stored(desk, "scribe", 3)
    with (page := desk.open("/#review")).expect_response("**/v1/review?*") as leased:
        page.locator("#dialog-input").fill("roman")
        page.keyboard.press("Enter")
    item = leased.value.json()
    expect(page.locator(".item")).to_have_text(item["text"])
    assert httpx.delete(f"{desk.url}/v1/predictions/{item['id']}").status_code == 204
    page.keyboard.press("1")
    page.keyboard.press("q")
    alert = page.locator(".desk [role=alert]")
    expect(alert).to_contain_text(words("en")["problems"]["prediction_unknown"])
    alert.get_by_role("button").click()
    expect(page.locator(".item")).not_to_have_text(item["text"])
    expect(alert).to_have_count(0)


def test_the_next_person_at_the_desk_labels_in_a_name_of_his_own(desk: Desk) -> None:
    stored(desk, "warden", 4)
    page = begin(desk, "sofia")
    first = page.locator(".item").inner_text()
    page.get_by_role("button", name="Change the name").click()
    page.locator("#dialog-input").fill("taras")
    page.keyboard.press("Enter")
    expect(page.locator(".standing")).to_contain_text("Correcting as taras")
    expect(page.locator(".item")).not_to_have_text(first)
    before = summary(desk)["labelled"]
    page.keyboard.press("1")
    with page.expect_request("**/v1/feedback") as waiting:
        page.keyboard.press("q")
    assert waiting.value.post_data_json["annotator"] == "taras"
    expect(page.locator(".told")).to_have_text("Saved.")
    assert summary(desk)["labelled"] == before + 1


def test_annotators_at_once_see_no_statement_twice_and_their_agreement_is_shown(desk: Desk) -> None:
    stored(desk, "observer", 8)
    pages = [begin(desk, name) for name in ("borys", "carla", "dmytro")]
    seen = [page.locator(".item").inner_text() for page in pages]
    assert len(set(seen)) == 3
    for page in pages:
        page.locator("[data-axis]").nth(1).click()
        page.locator("[data-axis]").nth(4).click()
        expect(page.locator(".told")).to_have_text("Saved.")
        expect(page.locator(".item")).not_to_have_text(seen[pages.index(page)])
    later = [page.locator(".item").inner_text() for page in pages]
    assert len(set(later)) == 3  # one that two are to label may come to another now
    expect(pages[0].locator(".agreement")).to_contain_text("People among themselves")


def test_an_article_is_put_up_for_review(desk: Desk) -> None:
    page = desk.open()
    before = summary(desk)["waiting"]
    page.locator("#text").fill("The envoy doubted on Monday that a peacekeeping force would ever be sent to the east.")
    page.locator(".compose .chief").click()
    expect(page.locator(".statement")).to_have_count(1)
    page.get_by_role("button", name="Put up for review").click()
    expect(page.locator(".takeaway .told")).to_contain_text("1 statement was stored")
    assert summary(desk)["waiting"] in (before + 1, before + 2)


@pytest.mark.parametrize("lang", LOCALES)
def test_a_key_is_asked_for_refused_and_taken(gate: Desk, lang: str) -> None:
    page, said = gate.open(lang=lang), words(lang)
    expect(page.locator("dialog")).to_contain_text(said["key"]["text"])
    page.locator("#dialog-input").fill("no such key")
    page.keyboard.press("Enter")
    expect(page.locator("dialog [role=alert]")).to_have_text(said["problems"]["key_unknown"])
    page.locator("#dialog-input").fill(gate.secrets["desk"])
    page.keyboard.press("Enter")
    expect(page.locator(".statement")).to_have_count(12)
    assert gate.secrets["desk"] not in page.evaluate(
        "JSON.stringify({...localStorage, ...sessionStorage}) + document.cookie"
    )
    page.locator(".statement").first.click()
    page.locator(".correction summary").click()
    page.locator(".correction fieldset input").first.check()
    page.get_by_role("button", name=said["correction"]["store"]).click()
    expect(page.locator(".correction [role=alert]")).to_contain_text(said["problems"]["role_too_low"])
    expect(page.locator(".correction").get_by_role("button", name=said["key"]["other"])).to_be_visible()
    page.locator("nav a").nth(2).click()
    expect(page.get_by_role("alert").first).to_contain_text(said["problems"]["role_too_low"])
    page.get_by_role("button", name=said["key"]["other"]).first.click()
    page.locator("#dialog-input").fill(gate.secrets["anna"])
    page.keyboard.press("Enter")
    expect(page.locator(".nothing")).to_be_visible()


def test_who_has_no_key_is_told_so(gate: Desk) -> None:
    page = gate.open()
    expect(page.locator("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("alert")).to_contain_text(words("en")["problems"]["key_missing"])
