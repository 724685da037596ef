"""The service and emulated providers, each a real server on a free port, on one clock that a test sets by hand."""

from __future__ import annotations

import socket
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx2
import numpy as np
import uvicorn
from starlette.types import ASGIApp

from microgrid import payment_requests
from microgrid.api.app import create_app
from microgrid.billing.payments import Payment
from microgrid.billing.pushes import Push
from microgrid.billing.sightings import Alarm
from microgrid.cli.money_in import hooks
from microgrid.cli.money_keys import account_of, provider_of
from microgrid.money_ports import MoneyProvider
from microgrid.payment_requests import Wanted
from microgrid.payment_settings import KEYS, PaymentAccountSettings
from microgrid.providers.emulators.desk import Call, Desk
from microgrid.providers.emulators.faults import FaultPlan, Intended, Wallet
from microgrid.providers.emulators.served_mpesa import ServedMpesa
from microgrid.providers.emulators.served_wallets import ServedAirtel, ServedMomo
from microgrid.providers.payment_facts import Provider
from tests.flows.village import ENERGY, START, AnyStore, Village, make_village

SECRET_PATH = "7hX2vQ9rLw4nTz8b"
NO_FAULTS = FaultPlan()
PROXY = "127.0.0.1"
ADDRESS = "196.201.214.200"
SECRET = "a secret of the provider"
Emulator = ServedMpesa | ServedMomo | ServedAirtel


@contextmanager
def serving(app: ASGIApp, listening: socket.socket) -> Iterator[None]:
    """Serve an application until the block ends; it believes what its proxy, this machine, says of addresses."""
    config = uvicorn.Config(
        app, log_level="error", proxy_headers=True, forwarded_allow_ips=[PROXY], ws="none", lifespan="off"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            thread.join(0.005)
        yield
    finally:
        server.should_exit = True
        thread.join(30)


def listening() -> socket.socket:
    """Return a socket that has a port of its own, so that no other test can take it in between."""
    return socket.create_server((PROXY, 0))


def port_of(opened: socket.socket) -> int:
    """Return the port of a socket."""
    port: int = opened.getsockname()[1]
    return port


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as opened:
        opened.bind((PROXY, 0))
        port: int = opened.getsockname()[1]
    return port


@dataclass
class World:
    """A village whose customers pay through emulated providers."""

    village: Village
    emulator: Emulator
    line: str
    calls: httpx2.Client
    root: str
    way: MoneyProvider
    answers: list[tuple[str, int]] = field(default_factory=list)

    def ask(self, amount_minor: int, account: str = "K-104", **other: str) -> Push:
        """Ask a customer to pay."""
        wanted = Wanted(str(uuid.uuid4()), account, amount_minor, **other)
        return payment_requests.ask_to_pay(self.village.core, wanted, "test")

    def ask_again(self, push: Push, amount_minor: int) -> Push:
        """Send the request of a push again."""
        wanted = Wanted(push.id, push.account_id, amount_minor)
        return payment_requests.ask_to_pay(self.village.core, wanted, "test")

    def pay(self, amount_minor: int, reference: str = "K-104") -> str:
        """Let a customer pay by themselves, and return the receipt."""
        assert isinstance(self.emulator, ServedMpesa)
        intended = Intended(self.emulator.desk.now_s, "+254712000104", amount_minor, reference, ("AMINA",))
        return self.emulator.pay(intended).receipt

    def post(self, call: Call) -> None:
        """Let the provider call us."""
        headers = {**call.delivery.headers, "X-Forwarded-For": call.delivery.source_address}
        url = call.url.replace("https://", "http://")  # providers call https addresses only; there is no TLS here
        answer = self.calls.request(call.method, url, content=call.delivery.body, headers=headers)
        self.answers.append((call.delivery.what, answer.status_code))

    def deliver(self) -> None:
        """Let the provider make all calls that are due."""
        for call in self.emulator.desk.due():
            self.post(call)

    def live(self, **time: int) -> None:
        """Let time pass, minute by minute at first, then hour by hour, with calls and ticks."""
        end = self.village.clock.at + timedelta(**time)
        begun = self.village.clock.at
        while self.village.clock.at < end:
            step = timedelta(minutes=1) if self.village.clock.at - begun < timedelta(minutes=20) else timedelta(hours=1)
            self.village.clock.at = min(end, self.village.clock.at + step)
            self.deliver()
            self.village.tick()
            self.deliver()

    def push(self, push: Push) -> Push:
        """Return a push as it stands."""
        return payment_requests.show(self.village.core, push.id)

    def hook_url(self, call: str) -> str:
        """Return the address of one of our doors."""
        return f"{self.root}/hooks/{SECRET_PATH}/{call}"

    def payment(self, receipt: str) -> Payment:
        """Return a payment as it stands."""
        with self.village.store.read() as uow:
            found = uow.payments.get(f"{self.line}:{receipt}")
        assert found is not None
        return found

    def payments(self) -> list[Payment]:
        """Return all payments."""
        with self.village.store.read() as uow:
            return list(uow.payments.page(limit=10_000))

    def alarms(self) -> list[Alarm]:
        """Return what needs a person."""
        return list(payment_requests.alarms(self.village.core, "", 1000, settled=False).items)

    def channels(self, receipt: str) -> set[str]:
        """Return by which channels a payment was seen."""
        return {one.channel for one in payment_requests.sightings(self.village.core, f"{self.line}:{receipt}")}

    def cash_minor(self) -> int:
        """Return what the books say lies at the provider."""
        return self.village.balance_minor(f"cash:{self.line}")

    def truly_paid_minor(self) -> int:
        """Return what lies there truly."""
        return sum(
            one.intended.amount_minor for one in self.emulator.desk.happened if one.paid and one.reversed_at_s is None
        )


Options = Mapping[str, Any]


@contextmanager
def world(
    store: AnyStore,
    provider: Provider = "mpesa",
    plan: FaultPlan = NO_FAULTS,
    seed: int = 1,
    settings: Options | None = None,
    desk: Options | None = None,
) -> Iterator[World]:
    """Run a service and a provider; `settings` of the account and `desk` of the provider go over the usual ones."""
    here, there = listening(), listening()
    ours, theirs = port_of(here), port_of(there)
    chosen = account_settings(provider, f"http://{PROXY}:{theirs}", settings or {})
    secrets = dict.fromkeys((*KEYS[provider].needed, *KEYS[provider].optional), SECRET)
    ways: dict[str, MoneyProvider] = {}
    village = make_village(store, providers=ways)
    village.settle_in(ENERGY)
    wallet = Wallet(account_of(chosen), START, ADDRESS, SECRET.encode() if provider == "airtel" else b"")
    made = Desk(wallet, plan, np.random.Generator(np.random.PCG64(seed)), village.clock, **(desk or {}))
    root = f"https://{PROXY}:{ours}"
    emulator = _emulator(made, f"{root}/hooks/{SECRET_PATH}")
    with here, there, ExitStack() as opened:
        ways[chosen.line] = provider_of(chosen, secrets, root, village.clock)
        opened.callback(ways[chosen.line].close)
        app = create_app(village.core, hooks(chosen, secrets, root))
        opened.enter_context(serving(app, here))
        opened.enter_context(serving(emulator.app(), there))
        calls = opened.enter_context(httpx2.Client(timeout=30))
        found = World(village, emulator, chosen.line, calls, f"http://{PROXY}:{ours}", ways[chosen.line])
        made.early = found.post
        yield found


def account_settings(provider: Provider, base_url: str, others: Options) -> PaymentAccountSettings:
    """Return the settings of an account at an emulated provider."""
    currency = {"exponent": 2, "currency": "KES", "region": "KE" if provider == "mpesa" else "UG"}
    usual = {
        "provider": provider,
        "shortcode": "600638",
        **currency,
        "secret_path": SECRET_PATH,
        "keys": {f"{name}_env": "ANY" for name in (*KEYS[provider].needed, *KEYS[provider].optional)},
        "environment": "sandbox",
        "base_url": base_url,
        "allowed_addresses": (ADDRESS,),
        "lists": provider == "mpesa",
    }
    return PaymentAccountSettings.model_validate({**usual, **others})


def _emulator(desk: Desk, root: str) -> Emulator:
    if desk.wallet.account.provider == "momo":
        return ServedMomo(desk)
    if desk.wallet.account.provider == "airtel":
        return ServedAirtel(desk, f"{root}/callback")
    return ServedMpesa(desk, f"{root}/confirmation", f"{root}/validation")
