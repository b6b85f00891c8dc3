"""Stored predictions and corrections; each method is one transaction and blocks, so run it in a thread."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import Table, delete, exists, insert, select, update

from models.stance import Prediction
from models.text import LONGEST_STATEMENT, digest
from service.storage.database import Database, put
from service.storage.tables import feedback, predictions, statements

READ_TWICE = 0.1
"""Share of the statements that a second annotator labels as well, so that agreement can be told."""
UNTEACHABLE = {"too_short", "unsupported_language", "too_long"}
"""Reasons for abstaining that no label mends."""
ORPHANED = (
    ~exists().where(predictions.c.digest == statements.c.digest),
    ~exists().where(feedback.c.digest == statements.c.digest),
)


@dataclass(frozen=True, slots=True)
class Correction:
    """Hold what an annotator said of a text."""

    id: int
    digest: str
    text: str
    language: str
    annotator: str
    labels: Mapping[str, str]


class Store:
    """Keep predictions and corrections; every method raises DatabaseError where the database does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, owner: str, version: str, texts: Sequence[str], answers: Sequence[Prediction]) -> list[str]:
        """Store predictions of a version and return their ids, in order."""
        rows, found = [], {}
        for text, answer in zip(texts, answers, strict=True):
            rows.append(
                {
                    "id": uuid4().hex,
                    "digest": digest(text),
                    "owner": owner,
                    "version": version,
                    "labels": {axis: stance.label for axis, stance in answer.stances.items()},
                    "created": datetime.now(UTC),
                }
            )
            found[digest(text)] = {
                "digest": digest(text),
                "text": text,
                "language": answer.language,
                "confidence": min(stance.confidence for stance in answer.stances.values()),
                "readers": _readers(text, answer),
            }
        if rows:
            with self._database.transaction() as connection:
                for name in sorted(found):  # in one order, so that no two wait for each other
                    put(connection, statements, found[name], ["confidence", "readers"])
                connection.execute(insert(predictions), rows)
        return [str(row["id"]) for row in rows]

    def text(self, prediction: str) -> tuple[str, str] | None:
        """Return the text of a stored prediction and its language, None where there is no such prediction."""
        asked = select(statements.c.text, statements.c.language).join(predictions).where(predictions.c.id == prediction)
        with self._database.transaction() as connection:
            row = connection.execute(asked).one_or_none()
        return (row.text, row.language) if row else None

    def correct(self, text: str, language: str, labels: Mapping[str, str], annotator: str, note: str | None) -> int:
        """Store what an annotator says of a text, end his lease of it, and return the id of the correction."""
        name = digest(text)
        row = {"digest": name, "annotator": annotator, "labels": dict(labels), "note": note}
        with self._database.transaction() as connection:
            put(connection, statements, {"digest": name, "text": text, "language": language, "readers": 0}, ["digest"])
            mine = update(statements).where(statements.c.digest == name, statements.c.leased_to == annotator)
            connection.execute(mine.values(leased_to=None, leased_until=None))
            made = insert(feedback).values(**row, created=datetime.now(UTC)).returning(feedback.c.id)
            return int(connection.execute(made).scalar_one())

    def corrections(self) -> list[Correction]:
        """Return every correction, in the order in which they came."""
        about = (statements.c.digest, statements.c.text, statements.c.language)
        asked = select(feedback.c.id, *about, feedback.c.annotator, feedback.c.labels).join(statements)
        with self._database.transaction() as connection:
            return [Correction(*row) for row in connection.execute(asked.order_by(feedback.c.id))]

    def predicted(self) -> dict[str, Mapping[str, str]]:
        """Return the labels of the last stored prediction of each text that was corrected, by its digest."""
        corrected = exists().where(feedback.c.digest == predictions.c.digest)
        asked = select(predictions.c.digest, predictions.c.labels).where(corrected).order_by(predictions.c.created)
        with self._database.transaction() as connection:
            return {row.digest: row.labels for row in connection.execute(asked)}

    def drop_prediction(self, prediction: str, owner: str | None) -> bool:
        """Delete a prediction of an owner, None for whosever it is; False where there is none."""
        return self._drop(predictions, "owner", prediction, owner)

    def drop_correction(self, correction: int, annotator: str | None) -> bool:
        """Delete a correction of an annotator, None for whosever it is; False where there is none."""
        return self._drop(feedback, "annotator", correction, annotator)

    def _drop(self, table: Table, column: str, key: str | int, owner: str | None) -> bool:
        """Delete a row, and its text with the last row that stands on it."""
        theirs = table.c.id == key
        if owner is not None:
            theirs &= table.c[column] == owner
        with self._database.transaction() as connection:
            name = connection.execute(select(table.c.digest).where(theirs)).scalar_one_or_none()
            if name is None:
                return False
            held = select(statements.c.digest).where(statements.c.digest == name)
            connection.execute(held.with_for_update())  # a row that another process adds to this text comes after
            dropped = connection.execute(delete(table).where(theirs)).rowcount
            connection.execute(delete(statements).where(statements.c.digest == name, *ORPHANED))
        return dropped > 0

    def purge(self, before: datetime) -> None:
        """Delete the predictions stored before a moment whose texts were not corrected, and these texts."""
        old = predictions.c.created < before
        corrected = exists().where(feedback.c.digest == predictions.c.digest)
        with self._database.transaction() as connection:
            connection.execute(delete(predictions).where(old, ~corrected))
            orphans = select(statements.c.digest).where(*ORPHANED).order_by(statements.c.digest)
            connection.execute(orphans.with_for_update())
            connection.execute(delete(statements).where(*ORPHANED))


def _readers(text: str, answer: Prediction) -> int:
    """Return how many annotators are to label a text: which are read twice follows from the digest alone."""
    reasons = {stance.reason for stance in answer.stances.values()}
    if reasons & UNTEACHABLE or len(text) > LONGEST_STATEMENT:
        return 0
    return 2 if int(digest(text), 16) / 16**16 < READ_TWICE else 1
