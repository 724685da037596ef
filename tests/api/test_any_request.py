"""Whatever a program sends, the service answers as it says it does, and never fails."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error

from microgrid.customers.keys import SCOPES
from microgrid.store.memory import MemoryStore
from tests.api.service import make_service

SERVICE = make_service(MemoryStore())
KEY = SERVICE.program(*SCOPES).key
SCHEMA = schemathesis.openapi.from_asgi("/openapi.json", SERVICE.client.app)
QUICK = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


@SCHEMA.parametrize()
@QUICK
def test_no_request_breaks_the_service(case: Any) -> None:
    response = case.call(headers={"Authorization": f"Bearer {KEY}"})
    case.validate_response(response, checks=(not_a_server_error,))
    assert response.status_code < 500


@pytest.fixture(autouse=True, scope="module")
def _books_stay_true() -> Any:
    yield
    SERVICE.village.are_books_true()
