"""Every kind of database, empty and ready."""

from tests.contract.conftest import (
    address,
    migrated_postgres,
    migrated_sqlite,
    postgres_address,
    postgres_server,
    sqlite_address,
)

__all__ = [
    "address",
    "migrated_postgres",
    "migrated_sqlite",
    "postgres_address",
    "postgres_server",
    "sqlite_address",
]
