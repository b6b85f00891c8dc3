"""Statements, predictions, feedback, skips."""

import sqlalchemy as sa
from alembic import op

revision = "first"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "statements",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("confidence", sa.Double()),
        sa.Column("readers", sa.SmallInteger(), nullable=False),
        sa.Column("leased_to", sa.String()),
        sa.Column("leased_until", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("digest", name="pk_statements"),
    )
    op.create_index("ix_statements_confidence", "statements", ["confidence"])
    op.create_table(
        "predictions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("labels", sa.JSON(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_predictions"),
        sa.ForeignKeyConstraint(["digest"], ["statements.digest"], name="fk_predictions_digest"),
    )
    op.create_index("ix_predictions_digest", "predictions", ["digest"])
    op.create_index("ix_predictions_created", "predictions", ["created"])
    op.create_table(
        "feedback",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("annotator", sa.String(), nullable=False),
        sa.Column("labels", sa.JSON(), nullable=False),
        sa.Column("note", sa.Text()),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_feedback"),
        sa.ForeignKeyConstraint(["digest"], ["statements.digest"], name="fk_feedback_digest"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_feedback_digest", "feedback", ["digest"])
    op.create_table(
        "skips",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("annotator", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("digest", "annotator", name="pk_skips"),
        sa.ForeignKeyConstraint(["digest"], ["statements.digest"], name="fk_skips_digest", ondelete="CASCADE"),
    )
