"""Way two: a whole file."""

import csv
import io
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import LOCALES, Desk, words

TEXTS = [
    "The minister ruled out sending any soldiers to Ukraine, even after a ceasefire.",
    "Уряд готовий направити миротворців, щойно сторони підпишуть угоду.",
    "Эксперт сомневается, что соглашение подпишут в этом году.",
]
HOLDERS = ["<b>Ministry</b>", '=HYPERLINK("http://x")', "A & B"]


def table(rows: int) -> list[dict[str, str]]:
    return [
        {"date": f"2026-02-{1 + n % 20:02}", "holder": HOLDERS[n % 3], "body": f"{TEXTS[n % 3]} <i>{n}</i>"}
        for n in range(rows)
    ]


def as_csv(rows: list[dict[str, str]]) -> bytes:
    page = io.StringIO()
    writer = csv.DictWriter(page, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return page.getvalue().encode()


def as_lines(rows: list[dict[str, str]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def give(page: Page, name: str, content: bytes) -> None:
    page.locator("input[type=file]").set_input_files({"name": name, "mimeType": "", "buffer": content})


def start(page: Page) -> None:
    page.locator(".sending .chief").click()


def taken(page: Page) -> list[dict[str, str]]:
    with page.expect_download() as waiting:
        page.locator(".sieve button").click()
    return list(csv.DictReader(io.StringIO(Path(waiting.value.path()).read_text("utf-8").removeprefix("\ufeff"))))


def told(lang: str, key: str, **values: Any) -> str:
    """Return a sentence whose number takes the form for many."""
    text: Any = words(lang)["file"][key]
    return str(text.get("many", text["other"])).format(**values)


@pytest.mark.parametrize("lang", LOCALES)
@pytest.mark.parametrize(("name", "written"), [("a.csv", as_csv), ("a.jsonl", as_lines)])
def test_a_file_is_read_drawn_and_taken_along(desk: Desk, lang: str, name: str, written: Any) -> None:
    page, rows = desk.open("/#file", lang), table(36)
    give(page, name, written(rows))
    expect(page.locator(".sending select")).to_have_value("body")
    start(page)
    expect(page.locator(".state")).to_have_text(told(lang, "done", n=36, errors=0))
    expect(page.locator(".plot .main-svg").first).to_be_visible()
    expect(page.locator(".chart")).to_have_count(3)
    expect(page.locator(".map .textpoint").filter(has_text="<b>Ministry</b>")).to_have_count(1)
    expect(page.locator(".grid .rows [role=row]").first).to_contain_text("<i>0</i>")
    assert page.locator(".grid b, .grid i").count() == 0
    found = taken(page)
    assert [row["body"] for row in found] == [row["body"] for row in rows]
    assert [row["holder"] for row in found[:3]] == [HOLDERS[0], "'" + HOLDERS[1], HOLDERS[2]]
    assert {row["stance_language"] for row in found} == {"en", "uk", "ru"}
    assert "stance_error" in found[0]


def test_rows_are_sifted_sorted_and_opened_from_the_keyboard(desk: Desk) -> None:
    page = desk.open("/#file")
    give(page, "a.csv", as_csv(table(300)))
    start(page)
    expect(page.locator(".state")).to_contain_text("300 rows read")
    assert page.locator(".grid .rows [role=row]").count() < 60
    heads, cells = page.locator("[role=columnheader]").all(), page.locator(".rows [role=gridcell]").all()
    for head, cell in zip(heads, cells, strict=False):  # cells of the first row, then others
        over, under = head.bounding_box(), cell.bounding_box()
        assert over is not None
        assert under is not None
        assert (over["x"], over["width"]) == (under["x"], under["width"])
    page.locator(".sieve input").fill("миротворців")
    expect(page.locator(".sieve button")).to_contain_text("100 rows")
    page.get_by_role("button", name="Row", exact=True).click()
    page.get_by_role("button", name="Row", exact=True).click()
    expect(page.locator("[aria-sort=descending]")).to_have_text("Row")
    expect(page.locator(".grid .rows [role=row]").first).to_contain_text("299")
    page.locator(".sieve select").first.select_option("anti")
    expect(page.locator("main").get_by_text("No row matches.")).to_be_visible()
    page.locator(".sieve select").first.select_option("pro")
    page.locator(".grid").focus()
    for key in ("ArrowDown", "ArrowDown", "End", "ArrowUp", "Enter"):
        page.keyboard.press(key)
    expect(page.locator("dialog blockquote")).to_have_text(table(300)[4]["body"])
    expect(page.locator("dialog .weights li").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)


@pytest.mark.parametrize("lang", LOCALES)
@pytest.mark.parametrize(("content", "key"), [(b"", "empty"), (b"\n\n", "none"), (b"[1, 2]\n", None)])
def test_a_file_that_is_no_table_is_refused_with_words(desk: Desk, lang: str, content: bytes, key: str | None) -> None:
    page, said = desk.open("/#file", lang), words(lang)
    give(page, "a.jsonl" if key is None else "a.csv", content)
    expect(page.get_by_role("alert")).to_have_text(said["file"][key or "none"])


def test_bad_rows_are_counted_and_a_table_that_was_scored_is_refused(desk: Desk) -> None:
    page = desk.open("/#file")
    rows = [{**row, "body": ""} if n < 2 else row for n, row in enumerate(table(12))]
    give(page, "a.csv", as_csv(rows))
    start(page)
    expect(page.locator(".state")).to_contain_text("12 rows read, 2 with errors")
    page.locator(".grid .rows [role=row]").first.click()
    expect(page.locator("dialog")).to_contain_text(words("en")["problems"]["blank_text"])
    page.keyboard.press("Escape")
    page.locator(".sieve select").last.select_option("error")
    expect(page.locator(".sieve button")).to_contain_text("2 rows")
    page.locator(".sieve select").last.select_option("")
    give(page, "b.csv", as_csv(taken(page)))
    start(page)
    expect(page.get_by_role("alert")).to_contain_text(words("en")["problems"]["table_invalid"])


def test_stopping_keeps_what_came(desk: Desk) -> None:
    page = desk.open("/#file")
    give(page, "a.csv", as_csv(table(6000)))
    start(page)
    expect(page.locator(".grid .rows [role=row]").first).to_be_visible()
    page.locator(".stop").click()
    expect(page.locator(".state")).to_contain_text("Stopped.")
    assert 0 < len(taken(page)) < 6000


@pytest.mark.parametrize("lang", LOCALES)
def test_a_service_that_goes_away_half_way_leaves_what_came(
    mortal: tuple[Desk, "subprocess.Popen[str]"], lang: str
) -> None:
    desk, process = mortal
    page = desk.open("/#file", lang)
    give(page, "a.csv", as_csv(table(6000)))
    start(page)
    expect(page.locator(".grid .rows [role=row]").first).to_be_visible()
    process.kill()
    expect(page.locator(".state [role=alert]")).to_be_visible()
    kept = len(taken(page))
    assert 0 < kept < 6000
    start(page)
    told = page.get_by_role("alert").filter(has_text=words(lang)["problems"]["unreachable"])
    expect(told).to_have_count(1)
    page.locator("#language").select_option("uk" if lang == "en" else "en")
    expect(told).to_have_count(2)
    expect(page.locator("#language")).to_have_value(lang)
    for way in (2, 3, 0):
        page.locator("nav a").nth(way).click()
        if way == 2:
            page.locator("#dialog-input").fill("anna")
            page.keyboard.press("Enter")
        if way == 0:
            page.locator("#text").fill(TEXTS[0])
            page.locator(".compose .chief").click()
        expect(told.first).to_be_visible()
    expect(page.locator("#text")).to_have_value(TEXTS[0])


def test_a_row_is_corrected_in_place(desk: Desk) -> None:
    page = desk.open("/#file")
    give(page, "a.csv", as_csv(table(3)))
    start(page)
    page.locator(".grid .rows [role=row]").first.click()
    expect(page.locator("dialog .weights li").first).to_be_visible()
    page.locator("dialog .correction summary").click()
    page.locator("dialog .correction fieldset").first.get_by_label("against").check()
    page.get_by_role("button", name="Save the correction").click()
    page.locator("#dialog-input").fill("anna")
    page.keyboard.press("Enter")
    expect(page.locator("dialog .correction .told")).to_contain_text("Saved")
