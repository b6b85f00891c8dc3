"""The tables. A text stands once, under its digest, whoever stored or corrected it."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

statements = Table(
    "statements",
    metadata,
    Column("digest", String, primary_key=True),
    Column("text", Text, nullable=False),
    Column("language", String, nullable=False),
    # Of its last stored prediction: the least over the axes.
    Column("confidence", Double, index=True),
    # How many annotators are to label it; 0 where a label would teach nothing or nobody stored it.
    Column("readers", SmallInteger, nullable=False),
    Column("leased_to", String),
    Column("leased_until", DateTime(timezone=True)),
)

predictions = Table(
    "predictions",
    metadata,
    Column("id", String, primary_key=True),
    Column("digest", ForeignKey("statements.digest"), nullable=False, index=True),
    Column("owner", String, nullable=False),
    Column("version", String, nullable=False),
    Column("labels", JSON, nullable=False),
    Column("created", DateTime(timezone=True), nullable=False, index=True),
)

feedback = Table(
    "feedback",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("digest", ForeignKey("statements.digest"), nullable=False, index=True),
    Column("annotator", String, nullable=False),
    Column("labels", JSON, nullable=False),
    Column("note", Text),
    Column("created", DateTime(timezone=True), nullable=False),
    sqlite_autoincrement=True,  # the id of a deleted row never names another
)

skips = Table(
    "skips",
    metadata,
    Column("digest", ForeignKey("statements.digest", ondelete="CASCADE"), primary_key=True),
    Column("annotator", String, primary_key=True),
)
