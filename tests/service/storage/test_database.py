import asyncio
import stat
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, event, select, text
from sqlalchemy.exc import IntegrityError

from models.errors import DatabaseError
from service.storage import retention
from service.storage.database import Database
from service.storage.store import Store
from service.storage.tables import metadata, statements
from tests.conftest import ROOT


def test_the_steps_make_the_tables_that_the_code_declares(database: Database) -> None:
    with database.transaction() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_what_was_stored_is_there_when_the_database_is_opened_again(url: str) -> None:
    one = Database(url)
    Store(one).correct("Soldiers stay at home.", "en", {"troops": "anti"}, "anna", None)
    one.close()
    other = Database(url)
    [correction] = Store(other).corrections()
    assert correction.text == "Soldiers stay at home."
    other.close()


def test_several_processes_may_open_a_new_database_at_once(url: str) -> None:
    code = f"from service.storage.database import Database; Database({url!r}).close()"
    opening = [subprocess.Popen([sys.executable, "-c", code], cwd=ROOT) for _ in range(4)]
    assert [process.wait() for process in opening] == [0, 0, 0, 0]


def test_a_transaction_is_kept_whole_or_not_at_all(database: Database) -> None:
    row = {"digest": "0", "text": "a", "language": "en", "readers": 0}

    def half() -> None:
        with database.transaction() as connection:
            connection.execute(statements.insert().values(row))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()
    with database.transaction() as connection:
        assert connection.execute(select(statements)).all() == []


def test_tables_of_a_newer_version_are_refused(url: str) -> None:
    database = Database(url)
    with database.transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'of_tomorrow'"))
    database.close()
    with pytest.raises(DatabaseError, match="a newer version"):
        Database(url)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("nonsense", "write sqlite:///FILE"),
        ("sqlite://", "write sqlite:///FILE"),
        ("sqlite:///:memory:", "write sqlite:///FILE"),
        ("mysql://user:secret@localhost/name", "write sqlite:///FILE"),
        ("sqlite:////nowhere/at/all/stance.db", "/nowhere/at/all/stance.db: No such file or directory"),
        ("sqlite:///README.md", "cannot be used"),
    ],
)
def test_a_database_that_cannot_be_used_is_told_in_a_line(url: str, told: str) -> None:
    with pytest.raises(DatabaseError, match=told) as raised:
        Database(url)
    assert "secret" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_sqlite_holds_what_it_acknowledged_and_shows_it_to_nobody_else(tmp_path: Path) -> None:
    file = tmp_path / "stance.db"
    database = Database(f"sqlite:///{file}")
    with database.transaction() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2  # FULL
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1
        assert {stat.S_IMODE(each.stat().st_mode) for each in tmp_path.iterdir()} == {0o600}
    database.close()


def test_a_database_whose_file_is_malformed_raises_our_error(tmp_path: Path) -> None:
    file = tmp_path / "stance.db"
    database = Database(f"sqlite:///{file}")
    Store(database).correct("Soldiers stay at home.", "en", {"troops": "anti"}, "anna", None)
    database.close()
    sound = file.read_bytes()
    for malformed in (b"no database" * 1_000, sound[:4096] + b"\xff" * (len(sound) - 4096)):
        file.write_bytes(malformed)
        with pytest.raises(DatabaseError):
            Store(database).corrections()
        database.close()


def test_a_database_that_takes_no_writing_raises_our_error(url: str) -> None:
    Database(url).close()
    database = Database(url)

    @event.listens_for(database._engine, "begin")
    def begun(connection: Connection) -> None:
        sqlite = connection.dialect.name == "sqlite"
        connection.exec_driver_sql("PRAGMA query_only = ON" if sqlite else "SET TRANSACTION READ ONLY")

    with pytest.raises(DatabaseError):
        Store(database).correct("Soldiers stay at home.", "en", {"troops": "anti"}, "anna", None)
    database.close()


def test_what_was_asked_wrongly_is_no_fault_of_the_database(database: Database) -> None:
    row = {"digest": "0", "text": "a", "language": "en", "readers": 0}
    with pytest.raises(IntegrityError), database.transaction() as connection:
        connection.execute(statements.insert(), [row, row])


@pytest.mark.parametrize("error", [DatabaseError("gone"), ValueError("unforeseen")])
def test_what_is_not_deleted_today_is_tried_again(
    store: Store, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    tried: list[datetime] = []

    def purge(before: datetime) -> None:
        tried.append(before)
        raise error

    monkeypatch.setattr(store, "purge", purge)
    monkeypatch.setattr(retention, "DAY_SECONDS", 0.001)

    async def work() -> None:
        task = asyncio.create_task(retention.retain(store, timedelta(days=1)))
        while len(tried) < 3:
            assert not task.done()
            await asyncio.sleep(0.001)
        task.cancel()

    asyncio.run(asyncio.wait_for(work(), 60))


def test_a_database_whose_file_was_replaced_raises_our_error(tmp_path: Path) -> None:
    file = tmp_path / "stance.db"
    database = Database(f"sqlite:///{file}")
    database.close()
    file.write_bytes(b"")
    with pytest.raises(DatabaseError):
        Store(database).corrections()
    database.close()
