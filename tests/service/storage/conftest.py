import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, make_url

from models.stance import Prediction, Stance
from service.storage.database import Database
from service.storage.queue import Queue
from service.storage.store import Store

POSTGRES = os.environ.get("STANCE_TEST_POSTGRES")
"""A cluster that `make test-postgres` starts."""


def answer(confidence: float = 0.6, label: str = "anti", language: str = "en", reason: str | None = None) -> Prediction:
    """Make a prediction on two axes, of which the model is surer of the second."""
    stances = {
        "troops": Stance(label, confidence, reason is None, reason, {label: confidence}),
        "outlook": Stance("neutral", 0.99, True, None, {"neutral": 0.99}),
    }
    return Prediction(language, stances)


@pytest.fixture(params=["sqlite", *(["postgresql"] if POSTGRES else [])])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Name an empty database, of each kind that there is."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'stance.db'}"
        return
    assert POSTGRES is not None
    cluster, name = create_engine(POSTGRES, isolation_level="AUTOCOMMIT"), f"test_{uuid4().hex}"
    with cluster.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
        yield make_url(POSTGRES).set(database=name).render_as_string(hide_password=False)
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    cluster.dispose()


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = Database(url)
    yield database
    database.close()


@pytest.fixture
def four(url: str) -> Iterator[list[Database]]:
    """Open one database four times, as four processes do."""
    opened = [Database(url) for _ in range(4)]
    yield opened
    for database in opened:
        database.close()


@pytest.fixture
def store(database: Database) -> Store:
    return Store(database)


@pytest.fixture
def queue(database: Database) -> Queue:
    return Queue(database)
