"""Files as people have them, given to either way: dropped, in the encodings of the region, and what is no text."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import LOCALES, Desk, drop, words
from tests.e2e.test_file import TEXTS, as_csv, as_lines, give, start, table, taken, told

SAID = TEXTS[2]


ODD = {
    "line breaks and quotes": ("a.csv", f'text,n\r\n"He said ""no"",\r\nand {SAID}",1\r\n'.encode(), {"n": "1"}),
    "byte order mark": ("a.csv", f"\ufeffdate;text\n2026-01-01;{SAID}\n".encode(), {"date": "2026-01-01"}),
    "windows-1251": ("a.csv", f"дата;text\nдня;{SAID}\n".encode("cp1251"), {"дата": "дня"}),
    "utf-16": ("a.csv", f"дата\ttext\nдня\t{SAID}\n".encode("utf-16"), {"дата": "дня"}),
    "utf-16 lines": ("a.jsonl", as_lines([{"text": SAID, "n": "ї"}]).decode().encode("utf-16"), {"n": "ї"}),
    "names of the page's own": (
        "a.csv",
        f'at,text,constructor\nhere,"{SAID}",x\n'.encode(),
        {"at": "here", "constructor": "x"},
    ),
    "300 columns": (
        "a.csv",
        as_csv([{**{f"c{n}": f"={n}" for n in range(299)}, "text": SAID}]),
        {"c0": "'=0", "c298": "'=298"},
    ),
    "nested values": (
        "a.jsonl",
        json.dumps({"text": SAID, "meta": {"a": [1, None, "б"]}, "n": -3, "who": "-3+1"}).encode(),
        {"meta": '{"a":[1,null,"б"]}', "n": "-3", "who": "'-3+1"},
    ),
}


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


@pytest.mark.parametrize(
    ("name", "content", "there"),
    [
        ("a.txt", b"Troops will not go, the minister said.", "Troops will not go"),
        ("a.html", b"<nav>Menu</nav><p>Troops will <b>not</b> go, he said.</p>", "Troops will not go"),
    ],
)
def test_a_file_is_dropped_anywhere_on_the_page(
    desk: Desk, tmp_path: Path, name: str, content: bytes, there: str
) -> None:
    (tmp_path / name).write_bytes(content)
    page = desk.open()
    expect(page.locator(".statement")).to_have_count(12)
    drop(page, tmp_path / name)  # on the masthead
    expect(page.locator(".reading")).to_contain_text(there)
    expect(page.locator("html.over")).to_have_count(0)
    page.locator("nav a").nth(3).click()
    expect(page.locator(".facts")).to_be_visible()
    drop(page, tmp_path / name)  # a way that takes no file; the browser would open it in place of the page
    drop(page, tmp_path / name, (300, 500))
    expect(page).to_have_url(f"{desk.url}/#model")


@pytest.mark.parametrize("lang", LOCALES)
def test_what_is_no_text_is_refused_with_words(desk: Desk, tmp_path: Path, lang: str) -> None:
    page, problems = desk.open(lang=lang), words(lang)["problems"]
    expect(page.locator(".statement")).to_have_count(12)
    given: Any = {"name": "a.docx", "mimeType": "", "buffer": b"PK\x03\x04" + bytes(range(256))}
    page.locator("input[type=file]").set_input_files(given)
    expect(page.get_by_role("alert")).to_have_text(problems["file_no_text"])
    (tmp_path / "folder").mkdir()
    drop(page, tmp_path / "folder")
    expect(page.get_by_role("alert")).to_have_text(problems["file_unreadable"])


def test_a_file_is_dropped_and_another_in_its_place(desk: Desk, tmp_path: Path) -> None:
    page = desk.open("/#file")
    expect(page.locator(".drop")).to_be_visible()
    for name, written in (("a.csv", as_csv), ("b.jsonl", as_lines)):
        (tmp_path / name).write_bytes(written(table(3)))
        drop(page, tmp_path / name)
        expect(page.locator(".file-name")).to_have_text(name)
        expect(page.locator(".sending select")).to_have_value("body")
        expect(page.locator(".sending select")).to_be_focused()
        start(page)
        expect(page.locator(".state")).to_have_text(told("en", "done", n=3, errors=0))


@pytest.mark.parametrize(("name", "content", "beside"), ODD.values(), ids=ODD)
def test_files_as_people_have_them_come_back_whole(
    desk: Desk, name: str, content: bytes, beside: dict[str, str]
) -> None:
    page = desk.open("/#file")
    give(page, name, content)
    expect(page.locator(".sending select")).to_have_value("text")
    start(page)
    expect(page.locator(".state")).to_have_text(told("en", "done", n=1, errors=0).replace("rows", "row"))
    [row] = taken(page)
    assert row["text"].endswith(SAID)
    assert {key: row[key] for key in beside} == beside


@pytest.mark.parametrize("lang", LOCALES)
def test_what_is_no_text_is_refused_as_a_file(desk: Desk, tmp_path: Path, lang: str) -> None:
    page, problems = desk.open("/#file", lang), words(lang)["problems"]
    expect(page.locator(".drop")).to_be_visible()
    give(page, "a.xlsx", b"PK\x03\x04\x14\x00\x06\x00,a;b\n" + bytes(range(256)))
    expect(page.get_by_role("alert")).to_have_text(problems["file_no_text"])
    (tmp_path / "folder").mkdir()
    drop(page, tmp_path / "folder")
    expect(page.get_by_role("alert")).to_have_text(problems["file_unreadable"])
