"""The API on a village, and programs with keys that talk to it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from starlette.testclient import TestClient

from microgrid import access
from microgrid.api.app import create_app
from microgrid.cli.money_in import mpesa_hooks
from microgrid.payment_settings import PaymentAccountSettings
from tests.flows.papers import desk
from tests.flows.village import ENERGY, AnyStore, Village, make_village

SECRET = "7hX2vQ9rLw4nTz8b"
PROVIDER = "196.201.214.200"


@dataclass
class Program:
    """A program with a key, talking to the service."""

    client: TestClient
    key: str

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Send a request and return the response."""
        named = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        return self.client.request(method, path, json=body, headers={**named, **headers})

    def get(self, path: str, **headers: str) -> Any:
        """Ask for something."""
        return self.send("GET", path, **headers)

    def post(self, path: str, body: Any, **headers: str) -> Any:
        """Send something."""
        return self.send("POST", path, body, **headers)


@dataclass
class Service:
    """The API with everything around it."""

    village: Village
    client: TestClient
    keys: int = 0

    def program(self, *scopes: str) -> Program:
        """Return a program with a key for these scopes."""
        self.keys += 1
        secret = f"{self.keys:032}"
        return Program(self.client, access.add_key(self.village.core, f"p{self.keys}", secret, scopes, "test"))

    def provider(self, call: str, body: bytes | dict[str, str], secret: str = SECRET) -> Any:
        """Call a hook as the provider does."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.client.post(f"/hooks/{secret}/{call}", content=content)


def confirmation(receipt: str, amount: str, reference: str = "K-104") -> dict[str, str]:
    """Return what M-Pesa sends for a payment."""
    return {
        "TransactionType": "Pay Bill",
        "TransID": receipt,
        "TransTime": "20260302090000",
        "TransAmount": amount,
        "BusinessShortCode": "600638",
        "BillRefNumber": reference,
        "MSISDN": "25470****149",
        "FirstName": "Amina",
    }


def make_service(store: AnyStore, address: str = PROVIDER, **ports: Any) -> Service:
    """Return the API on a village with one home; `ports` as of `make_village`."""
    village = make_village(store, **ports)
    village.settle_in(ENERGY)
    hooks = mpesa_hooks(
        PaymentAccountSettings(
            provider="mpesa", shortcode="600638", currency="KES", exponent=2, region="KE", secret_path=SECRET
        )
    )
    app = create_app(village.core, hooks, desks=[desk()])
    client = TestClient(app, client=(address, 4711), raise_server_exceptions=False)
    return Service(village, client)
