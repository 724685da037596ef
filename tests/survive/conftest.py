"""The stores of the flows' tests."""

from tests.flows.conftest import migrated_postgres, postgres_server, store, village

__all__ = ["migrated_postgres", "postgres_server", "store", "village"]
