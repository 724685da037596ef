"""The stores and the village of the flow tests, for stories about leases."""

from __future__ import annotations

from tests.flows.conftest import migrated_postgres, postgres_server, store, village

__all__ = ("migrated_postgres", "postgres_server", "store", "village")
