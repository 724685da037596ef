"""The stores of the flows' tests, and a village on each of them."""

from tests.flows.conftest import home, migrated_postgres, postgres_server, store, village

__all__ = ["home", "migrated_postgres", "postgres_server", "store", "village"]
