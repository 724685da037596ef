"""Approvals, and an outbox whose kinds do not wait for each other."""

from __future__ import annotations

from alembic import op

from microgrid.store.migrations.writing import index, table

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make what came after the first tables."""
    _control()
    _post()


def _control() -> None:
    table(
        "approvals",
        "id text, action text, subject text, request text, note text, asked_by text, asked_at_us whole, "
        "decided_by text, decided_at_us whole?, granted truth?",
        key="id",
    )
    index("approvals_by_subject", "approvals", "subject")


def _post() -> None:
    op.drop_index("outbox_by_due_at", "outbox")
    index("outbox_by_due_at", "outbox", "kind due_at_us", only="done_at_us IS NULL")
