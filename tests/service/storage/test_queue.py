from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

from models.text import LONGEST_STATEMENT, digest
from service.storage.database import Database
from service.storage.queue import LEASE, Queue
from service.storage.store import READ_TWICE, Store
from tests.service.storage.conftest import answer

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def twice(text: str) -> bool:
    return int(digest(text), 16) / 16**16 < READ_TWICE


MANY = [f"The minister named {n} reasons not to send soldiers to Ukraine." for n in range(400)]
ONCE, DOUBLE = [text for text in MANY if not twice(text)], [text for text in MANY if twice(text)]


def test_about_a_tenth_is_read_twice() -> None:
    assert 0.05 < len(DOUBLE) / len(MANY) < 0.15


def test_the_statement_that_the_model_was_least_sure_of_comes_first(store: Store, queue: Queue) -> None:
    ids = store.keep("", "v1", ONCE[:3], [answer(0.7), answer(0.4), answer(0.5)])
    leased = [queue.lease("anna", NOW) for _ in range(4)]
    assert [each and each.id for each in leased] == [ids[1], ids[2], ids[0], None]
    assert leased[0]
    assert (leased[0].text, leased[0].language, leased[0].until) == (ONCE[1], "en", NOW + LEASE)


def test_a_new_prediction_of_a_text_tells_how_sure_the_model_is(store: Store, queue: Queue) -> None:
    store.keep("", "v1", ONCE[:2], [answer(0.4), answer(0.5)])
    [again] = store.keep("", "v2", ONCE[:1], [answer(0.9)])
    leased = [queue.lease("anna", NOW) for _ in range(3)]
    assert [each and each.text for each in leased] == [ONCE[1], ONCE[0], None]
    assert leased[1]
    assert leased[1].id == again


def test_a_lease_is_one_annotators_for_ten_minutes(store: Store, queue: Queue) -> None:
    store.keep("", "v1", [ONCE[0], DOUBLE[0]], [answer(0.4), answer(0.5)])
    assert all(queue.lease("anna", NOW) for _ in range(2))
    assert queue.lease("borys", NOW + timedelta(minutes=9)) is None
    assert all(queue.lease("borys", NOW + timedelta(minutes=10)) for _ in range(2))
    assert queue.lease("anna", NOW + timedelta(minutes=10)) is None


def test_what_is_labelled_is_leased_no_more_but_of_a_tenth_to_a_second_annotator(store: Store, queue: Queue) -> None:
    store.keep("", "v1", [ONCE[0], DOUBLE[0]], [answer(0.4), answer(0.5)])
    assert queue.counts() == (2, 0)
    for _ in range(2):
        leased = queue.lease("anna", NOW)
        assert leased
        store.correct(leased.text, "en", {"troops": "pro"}, "anna", None)
    assert queue.counts() == (1, 2)
    assert queue.lease("anna", NOW) is None
    second = queue.lease("borys", NOW)
    assert second
    assert second.text == DOUBLE[0]
    made = store.correct(second.text, "en", {"troops": "anti"}, "borys", None)
    assert queue.counts() == (0, 2)
    assert queue.lease("carla", NOW) is None
    assert store.drop_correction(made, "borys")  # he thought again
    assert queue.lease("borys", NOW) is not None


def test_what_is_skipped_goes_to_others_at_once(store: Store, queue: Queue) -> None:
    [stored] = store.keep("", "v1", ONCE[:1], [answer()])
    assert queue.lease("anna", NOW)
    assert queue.skip(stored, "anna")
    assert queue.skip(stored, "anna")
    assert queue.lease("anna", NOW) is None
    assert queue.lease("borys", NOW)
    assert queue.skip(stored, "carla")  # whose it is not
    assert queue.lease("dmytro", NOW) is None
    assert not queue.skip("0" * 32, "anna")


def test_what_no_label_mends_is_not_leased(store: Store, queue: Queue) -> None:
    long = ("Soldiers stay at home, the minister said. " * 60)[: LONGEST_STATEMENT + 1]
    store.keep("", "v1", [ONCE[0], long], [answer(reason="unsupported_language"), answer()])
    store.keep("", "v1", ["Never.", "Never " * 300], [answer(reason="too_short"), answer(reason="too_long")])
    store.correct(ONCE[1], "en", {"troops": "pro"}, "anna", None)  # nobody stored it for review
    assert queue.lease("borys", NOW) is None
    assert queue.counts() == (0, 1)


def test_what_was_deleted_waits_no_more(store: Store, queue: Queue) -> None:
    [stored] = store.keep("", "v1", DOUBLE[:1], [answer()])
    store.correct(DOUBLE[0], "en", {"troops": "pro"}, "anna", None)
    assert store.drop_prediction(stored, None)
    assert queue.lease("borys", NOW) is None
    assert queue.counts() == (0, 1)


def test_annotators_of_several_processes_never_lease_the_same_at_once(four: list[Database]) -> None:
    texts = MANY[:60]
    Store(four[0]).keep("", "v1", texts, [answer(0.4 + n / 1000) for n in range(60)])
    start = Barrier(4)

    def work(number: int) -> list[str]:
        queue, leased = Queue(four[number]), []
        start.wait()
        while found := queue.lease(f"annotator {number}", NOW):
            leased.append(found.text)
        return leased

    with ThreadPoolExecutor(4) as pool:
        leased = [text for texts in pool.map(work, range(4)) for text in texts]
    assert len(leased) == len(set(leased))
    assert len(leased) > 50  # PostgreSQL passes over what another takes at this moment, be it the last


def test_annotators_at_work_together_see_no_item_twice_beyond_the_tenth(four: list[Database]) -> None:
    Store(four[0]).keep("", "v1", MANY[:100], [answer(0.4 + n / 1000) for n in range(100)])
    start = Barrier(4)
    seen: dict[str, list[int]] = defaultdict(list)

    def work(number: int) -> None:
        queue, store, name = Queue(four[number]), Store(four[number]), f"annotator {number}"
        start.wait()
        while found := queue.lease(name, NOW):
            seen[found.text].append(number)
            store.correct(found.text, found.language, {"troops": "pro"}, name, None)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    start = Barrier(1)
    for number in range(4):  # what another held when he asked last
        work(number)
    assert {text: len(numbers) for text, numbers in seen.items()} == {text: 1 + twice(text) for text in MANY[:100]}
    assert all(len(set(numbers)) == len(numbers) for numbers in seen.values())
    assert Queue(four[0]).counts() == (0, 100)
