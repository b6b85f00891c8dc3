from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from models.text import digest
from service.storage.database import Database
from service.storage.store import Store
from service.storage.tables import statements
from tests.service.storage.conftest import answer

ONE, TWO = "Soldiers stay at home, he said.", "Війська не підуть, сказав міністр."


def count(database: Database) -> int:
    with database.transaction() as connection:
        return connection.execute(select(func.count()).select_from(statements)).scalar_one()


def test_predictions_are_stored_each_under_its_id(store: Store, database: Database) -> None:
    ids = store.keep("desk", "v1", [ONE, TWO, f" {ONE}"], [answer(), answer(language="uk"), answer()])
    assert len(set(ids)) == 3
    assert store.text(ids[1]) == (TWO, "uk")
    assert count(database) == 2  # a text stands once
    assert store.text("0" * 32) is None
    assert store.keep("desk", "v1", [], []) == []


def test_corrections_come_back_as_they_were_made(store: Store) -> None:
    made = [
        store.correct(ONE, "en", {"troops": "anti"}, "anna", "sure"),
        store.correct(TWO, "uk", {"troops": "pro", "outlook": "neutral"}, "", None),
        store.correct(ONE, "en", {"troops": "pro"}, "borys", None),
    ]
    found = store.corrections()
    assert [each.id for each in found] == made == sorted(made)
    assert [(each.text, each.language, each.annotator) for each in found] == [
        (ONE, "en", "anna"),
        (TWO, "uk", ""),
        (ONE, "en", "borys"),
    ]
    assert found[1].labels == {"troops": "pro", "outlook": "neutral"}
    assert found[0].digest == digest(ONE)


def test_the_last_prediction_of_a_corrected_text_is_known(store: Store) -> None:
    store.keep("", "v1", [ONE, TWO], [answer(label="pro"), answer()])
    store.keep("", "v2", [ONE], [answer(label="anti")])
    assert store.predicted() == {}
    store.correct(ONE, "en", {"troops": "anti"}, "anna", None)
    assert store.predicted() == {digest(ONE): {"troops": "anti", "outlook": "neutral"}}


def test_a_prediction_is_deleted_by_its_owner_and_its_text_with_the_last(store: Store, database: Database) -> None:
    [one] = store.keep("desk", "v1", [ONE], [answer()])
    [other] = store.keep("wire", "v1", [ONE], [answer()])
    assert not store.drop_prediction(one, "wire")
    assert store.drop_prediction(one, "desk")
    assert store.text(one) is None
    assert store.text(other) == (ONE, "en")
    assert store.drop_prediction(other, None)
    assert not store.drop_prediction(other, None)
    assert count(database) == 0


def test_a_correction_holds_its_text_until_it_is_deleted(store: Store, database: Database) -> None:
    [stored] = store.keep("desk", "v1", [ONE], [answer()])
    made = store.correct(ONE, "en", {"troops": "pro"}, "anna", None)
    assert store.drop_prediction(stored, None)
    assert [each.text for each in store.corrections()] == [ONE]
    assert not store.drop_correction(made, "borys")
    assert store.drop_correction(made, "anna")
    assert count(database) == 0
    assert store.correct(ONE, "en", {"troops": "pro"}, "anna", None) > made  # an id names one correction for ever


def test_texts_that_nobody_corrected_go_when_their_time_is_over(store: Store, database: Database) -> None:
    one, two = store.keep("desk", "v1", [ONE, TWO], [answer(), answer(language="uk")])
    store.correct(TWO, "uk", {"troops": "anti"}, "anna", None)
    store.purge(datetime.now(UTC) - timedelta(days=1))
    assert store.text(one)
    store.purge(datetime.now(UTC) + timedelta(days=1))
    assert store.text(one) is None
    assert store.text(two)
    assert count(database) == 1


def test_processes_that_keep_and_delete_the_same_texts_at_once_do_not_hinder_each_other(four: list[Database]) -> None:
    texts = [f"The minister named {n} reasons not to send soldiers." for n in range(20)]

    def work(number: int) -> None:
        store, mine = Store(four[number]), texts[number:] + texts[:number]
        for _ in range(5):
            ids = store.keep("", "v1", mine, [answer() for _ in mine])
            made = [store.correct(text, "en", {"troops": "pro"}, f"annotator {number}", None) for text in mine]
            assert all(store.drop_prediction(one, None) for one in ids)
            assert all(store.drop_correction(one, None) for one in made)
            store.purge(datetime.now(UTC) - timedelta(days=1))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert count(four[0]) == 0
