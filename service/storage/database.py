"""The database: opened, its tables brought up to date, and one transaction after the other."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError, ProgrammingError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from models.errors import DatabaseError

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_SECONDS = 30
"""How long a process waits for others that write to SQLite; a write takes milliseconds."""
CONNECT_SECONDS = 10
"""How long PostgreSQL may take to answer at all."""
MIGRATING = 0x5741
"""The lock of PostgreSQL under which tables are changed; any number that nobody else takes."""


class Database:
    """Hold the connections to the database of a URL, whose tables are brought up to date; processes may share it.

    Raises:
        DatabaseError: the URL is of another kind, or the database cannot be opened or brought up to date.
    """

    def __init__(self, url: str) -> None:
        self._engine = _opened(url)

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Give a connection whose work is kept whole once this ends, or not at all.

        Raises:
            DatabaseError: the database does not answer or cannot be written to.
        """
        try:
            with self._engine.begin() as connection:
                yield connection
        except (DataError, IntegrityError, ProgrammingError):  # what was asked is wrong, not the database
            raise
        except (DBAPIError, PoolTimeout) as error:
            raise DatabaseError("the database does not answer or cannot be written to") from error


def put(connection: Connection, table: Table, row: Mapping[str, Any], updated: Sequence[str]) -> None:
    """Insert a row, or where its key stands already update some columns of it; either way the row is held."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    made = insert(table).values(row)
    connection.execute(
        made.on_conflict_do_update(
            index_elements=list(table.primary_key), set_={name: made.excluded[name] for name in updated}
        )
    )


def _opened(url: str) -> Engine:
    try:
        where = make_url(url)
        engine = _sqlite(where) if where.get_backend_name() == "sqlite" else _postgresql(where)
    except (ArgumentError, ModuleNotFoundError, ValueError) as error:
        raise DatabaseError(
            "STANCE_DATABASE_URL: not the address of a database that can be used here; write sqlite:///FILE, or "
            "postgresql://USER:PASSWORD@HOST/NAME with the extra postgres installed"
        ) from error
    except OSError as error:
        raise DatabaseError(f"STANCE_DATABASE_URL: {where.database}: {error.strerror}; name another file") from error
    try:
        with engine.begin() as connection:
            migrate(connection)
    except CommandError as error:
        engine.dispose()
        raise DatabaseError(
            f"STANCE_DATABASE_URL: {where!r}: a newer version of the service made its tables; install that one, "
            "or name another database"
        ) from error
    except SQLAlchemyError as error:
        engine.dispose()
        reason = str(getattr(error, "orig", error)).strip().split("\n")[0]
        raise DatabaseError(
            f"STANCE_DATABASE_URL: {where!r}: cannot be used ({reason}); mend that, or name another database"
        ) from error
    return engine


def _sqlite(where: URL) -> Engine:
    if not where.database or where.database == ":memory:":
        raise ValueError("no file")
    Path(where.database).touch(0o600)  # it holds texts; the files beside it get the same mode
    engine = create_engine(where, hide_parameters=True, connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: Any) -> None:
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        # Who reads first and then writes must hold the lock from the start: another may write in between.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _postgresql(where: URL) -> Engine:
    if where.get_backend_name() != "postgresql":
        raise ValueError("another kind")
    connect_args = {"connect_timeout": CONNECT_SECONDS}
    return create_engine(where, hide_parameters=True, pool_pre_ping=True, connect_args=connect_args)


def migrate(connection: Connection) -> None:
    """Bring the tables up to date in the transaction of a connection; a second process waits for the first."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATING})
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
