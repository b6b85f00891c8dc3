"""Two services that keep what they are sent, one without keys and one with; each test finds them empty."""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from service.keys import new_key
from tests.conftest import Fitted

SECRETS = {
    name: new_key(name, role)
    for name, role in (("desk", "predict"), ("anna", "annotate"), ("borys", "annotate"), ("chief", "admin"))
}


@dataclass(frozen=True)
class Desk:
    """A running service, its environment and the file of its database."""

    url: str
    env: dict[str, str]
    file: Path

    def execute(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """Do something to the database behind the back of the service."""
        connection = sqlite3.connect(self.file)
        with connection:
            found = connection.execute(statement, values).fetchall()
        connection.close()
        return found

    def empty(self) -> "Desk":
        for table in ("skips", "feedback", "predictions", "statements"):
            self.execute(f"DELETE FROM {table}")  # noqa: S608
        return self


def started(serve: Callable[..., str], folder: Path, env: dict[str, str]) -> Desk:
    file = folder / "stance.db"
    env = {**env, "STANCE_DATABASE_URL": f"sqlite:///{file}"}
    return Desk(serve(env, folder / "log"), env, file)


@pytest.fixture(scope="session")
def _open(fitted: Fitted, serve_to_all: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return started(serve_to_all, tmp_path_factory.mktemp("open"), {"STANCE_STORE": str(fitted.store)})


@pytest.fixture(scope="session")
def locked(fitted: Fitted, serve_to_all: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Desk:
    keys = ",".join(entry for _, entry in SECRETS.values())
    env = {"STANCE_STORE": str(fitted.store), "STANCE_API_KEYS": keys}
    return started(serve_to_all, tmp_path_factory.mktemp("locked"), env)


@pytest.fixture
def desk(_open: Desk) -> Desk:
    return _open.empty()


@pytest.fixture
def free(desk: Desk) -> Iterator[httpx.Client]:
    """Ask the service that has no keys."""
    with httpx.Client(base_url=desk.url, timeout=30) as client:
        yield client


@pytest.fixture
def keyed(locked: Desk) -> str:
    return locked.empty().url


@pytest.fixture
def as_(keyed: str) -> Iterator[Callable[[str], httpx.Client]]:
    """Ask the service that has keys, with somebody's."""
    opened = []

    def ask(name: str) -> httpx.Client:
        headers = {"Authorization": f"Bearer {SECRETS[name][0]}"}
        opened.append(httpx.Client(base_url=keyed, headers=headers, timeout=30))
        return opened[-1]

    yield ask
    for client in opened:
        client.close()
