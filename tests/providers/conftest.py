"""Our accounts at the providers, requests as they come in, and customers who pay emulated providers."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

import pytest

from microgrid.providers.emulators.faults import Intended, Wallet
from microgrid.providers.payment_facts import PaymentAccount, Provider, RawRequest, Sighting

Raw = Callable[..., RawRequest]


@pytest.fixture
def kenya() -> PaymentAccount:
    return PaymentAccount("mpesa", "600638", "KES", 2, "KE", other_shortcodes=("174379",))


@pytest.fixture
def uganda() -> PaymentAccount:
    return PaymentAccount("airtel", "SHOP1", "UGX", 0, "UG")


@pytest.fixture
def collections() -> PaymentAccount:
    return PaymentAccount("momo", "COLL1", "EUR", 2, "UG")


@pytest.fixture
def raw() -> Raw:
    def build(
        body: str | bytes,
        headers: Mapping[str, str] | None = None,
        received_at: datetime = datetime(2026, 11, 23, 6, 0, tzinfo=UTC),
    ) -> RawRequest:
        return RawRequest(body.encode() if isinstance(body, str) else body, received_at, headers or {})

    return build


@pytest.fixture(scope="session")
def wallet() -> Callable[..., Wallet]:
    def build(provider: Provider, currency: str = "KES", exponent: int = 2, region: str = "KE") -> Wallet:
        account = PaymentAccount(provider, "600638", currency, exponent, region)
        epoch = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)
        return Wallet(account, epoch, secret=b"shared", other_references=("METER0099",))

    return build


@pytest.fixture(scope="session")
def intended() -> Callable[..., list[Intended]]:
    """Return customers who pay one after another, every second one because we asked."""
    names = (("JANE", "DOE"), ("JOHN", "K", "DOE"), ())

    def build(count: int, unit: int, prefix: str = "+25470837") -> list[Intended]:
        return [
            Intended(60 * i, f"{prefix}{4000 + i}", unit * (10 + i), f"METER{i:04d}", names[i % 3], asked=i % 2 == 0)
            for i in range(count)
        ]

    return build


@pytest.fixture(scope="session")
def credited() -> Callable[[Iterable[Sighting]], dict[str, int]]:
    """Credit each receipt once; two amounts for one receipt would be a contradiction."""

    def build(sightings: Iterable[Sighting]) -> dict[str, int]:
        found: dict[str, int] = {}
        for one in sightings:
            if one.status == "paid":
                assert one.amount_minor is not None
                assert found.setdefault(one.receipt, one.amount_minor) == one.amount_minor
        return found

    return build
