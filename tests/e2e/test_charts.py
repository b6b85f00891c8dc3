"""What many rows say together: dates, names on the map, and charts taken along."""

from itertools import combinations
from pathlib import Path
from random import Random

from playwright.sync_api import expect

from tests.e2e.conftest import Desk
from tests.e2e.test_file import TEXTS, as_csv, give, start, table


def test_charts_are_taken_along_as_svg_and_png(desk: Desk) -> None:
    page = desk.open("/#file")
    give(page, "a.csv", as_csv(table(9)))
    start(page)
    for kind, begin in (("SVG", b"<svg"), ("PNG", b"\x89PNG")):
        with page.expect_download() as waiting:
            page.locator(".map").get_by_text(kind, exact=True).click()
        content = Path(waiting.value.path()).read_bytes()
        assert content.startswith(begin)
        assert b"<b>" not in content


def test_what_is_no_date_is_none_and_dates_as_people_write_them_are_days(desk: Desk) -> None:
    page = desk.open()
    written = [
        "2026-02-13",
        " 2026-2-13T23:30:00-05:00",
        "13.02.2026 10:00",
        "Fri, 13 Feb 2026 10:00:00 GMT",
        "13 Feb 2026",
    ]
    other = [
        "",
        "7",
        "foo 7",
        "2026",
        "2026-13-01",
        "31.02.2026",
        "30 Feb 2026",
        "13 Foo 2026",
        "02/13/2026",
        None,
        20260213,
    ]
    days = page.evaluate("async (all) => all.map((await import('/page/dates.js')).dayOf)", [*written, *other])
    assert days == [20497] * len(written) + [None] * len(other)
    gathered = (
        """async () => (await import('/page/dates.js')).buckets(Array.from({length: 400_000}, (_, n) => n % 30))(3)"""
    )
    assert page.evaluate(gathered) == "1970-01-04"


def test_dates_that_cannot_be_read_are_told(desk: Desk) -> None:
    page = desk.open("/#file")
    give(page, "a.csv", as_csv([{"Date": "yesterday", "Holder": "A", "text": text} for text in TEXTS]))
    start(page)
    expect(page.locator(".charts > .small")).to_contain_text("“Date” holds no dates")
    expect(page.locator(".chart")).to_have_count(1)


def test_names_on_the_map_never_cover_each_other(desk: Desk) -> None:
    page = desk.open()
    random = Random(7)
    for count in (1, 8, 60):
        points = [
            {
                "name": "n" * random.randint(1, 60),
                "x": random.uniform(0, 500),
                "y": random.uniform(0, 300),
                "radius": 12,
            }
            for _ in range(count)
        ]
        named = page.evaluate("async (all) => (await import('/page/labels.js')).labels(all, 500)", points)
        boxes = []
        for point, each in zip(points, named, strict=True):
            wide = 7.2 * len(each["name"])
            left, top = {
                "top center": (point["x"] - wide / 2, point["y"] - 28),
                "bottom center": (point["x"] - wide / 2, point["y"] + 12),
                "middle right": (point["x"] + 12, point["y"] - 8),
                "middle left": (point["x"] - 12 - wide, point["y"] - 8),
            }[each["side"]]
            if each["name"]:
                boxes.append((left, top, left + wide, top + 16))
        assert boxes
        for one, other in combinations(boxes, 2):
            assert one[2] < other[0] or other[2] < one[0] or one[3] < other[1] or other[3] < one[1]
