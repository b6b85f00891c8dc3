"""The review queue: which stored statement an annotator is to label next."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, FromClause, distinct, exists, func, or_, select, update

from service.storage.database import Database, put
from service.storage.tables import feedback, predictions, skips, statements

LEASE = timedelta(minutes=10)
"""How long a statement is one annotator's: long enough to think, short enough for who left without a word."""


@dataclass(frozen=True, slots=True)
class Leased:
    """Hold a statement that is one annotator's until a moment; ``id`` names a stored prediction of it."""

    id: str
    text: str
    language: str
    until: datetime


class Queue:
    """Lease stored statements; every method raises DatabaseError where the database does not answer.

    Each is one transaction and blocks, so run it in a thread.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def lease(self, annotator: str, now: datetime) -> Leased | None:
        """Lease to an annotator, for ten minutes, the stored statement that the model was least sure of.

        It is nobody's at this moment, and he neither labelled nor skipped it. None where nothing waits for him.
        """
        waiting, until = statements.alias(), now + LEASE
        first = (
            select(waiting.c.digest)
            .where(
                _wanted(waiting),
                or_(waiting.c.leased_until.is_(None), waiting.c.leased_until <= now),
                ~exists().where(feedback.c.digest == waiting.c.digest, feedback.c.annotator == annotator),
                ~exists().where(skips.c.digest == waiting.c.digest, skips.c.annotator == annotator),
            )
            .order_by(waiting.c.confidence, waiting.c.digest)
            .limit(1)
            # PostgreSQL passes over what another process takes just now; SQLite lets one process write at a time.
            .with_for_update(skip_locked=True, key_share=True)
        )
        taken = (
            update(statements)
            .where(statements.c.digest == first.scalar_subquery())
            .values(leased_to=annotator, leased_until=until)
            .returning(statements.c.digest, statements.c.text, statements.c.language)
        )
        with self._database.transaction() as connection:
            row = connection.execute(taken).one_or_none()
            if row is None:
                return None
            stored = select(predictions.c.id).where(predictions.c.digest == row.digest)
            latest = stored.order_by(predictions.c.created.desc(), predictions.c.id).limit(1)
            prediction = connection.execute(latest).scalar_one_or_none()
        return Leased(prediction, row.text, row.language, until) if prediction else None

    def skip(self, prediction: str, annotator: str) -> bool:
        """Lease a statement to an annotator no more, and to others at once; False where no such is stored."""
        with self._database.transaction() as connection:
            asked = select(statements.c.digest).join(predictions).where(predictions.c.id == prediction)
            name = connection.execute(asked.with_for_update(of=statements)).scalar_one_or_none()
            if name is None:
                return False
            put(connection, skips, {"digest": name, "annotator": annotator}, ["digest"])
            mine = update(statements).where(statements.c.digest == name, statements.c.leased_to == annotator)
            connection.execute(mine.values(leased_to=None, leased_until=None))
        return True

    def counts(self) -> tuple[int, int]:
        """Return how many statements wait for a label, those leased now among them, and how many have one."""
        waiting = select(func.count()).select_from(statements).where(_wanted(statements))
        labelled = select(func.count(distinct(feedback.c.digest)))
        with self._database.transaction() as connection:
            return connection.execute(waiting).scalar_one(), connection.execute(labelled).scalar_one()

    def corrected_since(self, last: int) -> int:
        """Return how many texts were given a label by a correction later than the one of this id."""
        later = select(func.count(distinct(feedback.c.digest))).where(feedback.c.id > last)
        with self._database.transaction() as connection:
            return int(connection.execute(later).scalar_one())


def _wanted(table: FromClause) -> ColumnElement[bool]:
    """Say of a statement that it is stored and that fewer annotators labelled it than are to."""
    labelled = select(func.count(distinct(feedback.c.annotator))).where(feedback.c.digest == table.c.digest)
    return exists().where(predictions.c.digest == table.c.digest) & (table.c.readers > labelled.scalar_subquery())
