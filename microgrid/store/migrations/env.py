"""What alembic runs: the steps, on the connection it was given and inside its transaction."""

from __future__ import annotations

from alembic import context

from microgrid.store.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
context.run_migrations()
