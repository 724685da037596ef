"""The way to a provider: a token per account, renewed when refused, and no secret in anything that is said."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from microgrid.providers import mpesa_requests
from microgrid.providers.mpesa_requests import Daraja, DarajaKeys
from microgrid.providers.payment_facts import HttpRequest, PaymentAccount
from microgrid.providers.sending import LARGEST_ANSWER, Line, NotSent
from tests.flows.village import HandClock

ACCOUNT = PaymentAccount("mpesa", "600638", "KES", 2, "KE")
DARAJA = Daraja(
    ACCOUNT, DarajaKeys("hidden-key", "hidden-secret", "hidden-pass"), "https://pay.example.org/hidden-path"
)
Answer = Callable[[httpx2.Request], httpx2.Response]


class Provider:
    """What answers in place of the network, and what it was asked."""

    def __init__(self, answer: Answer, life_s: int = 3599) -> None:
        self.answer, self.life_s = answer, life_s
        self.tokens = 0
        self.asked: list[httpx2.Request] = []
        self.clock = HandClock(datetime(2026, 11, 23, 6, 0, tzinfo=UTC))

    def line(self) -> Line:
        client = httpx2.Client(transport=httpx2.MockTransport(self._answer))
        return Line(mpesa_requests.access_token(DARAJA), self.clock, client)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path.startswith("/oauth"):
            self.tokens += 1
            content: Any = {"access_token": f"hidden-token-{self.tokens}", "expires_in": str(self.life_s)}
            return httpx2.Response(200, json=content)
        self.asked.append(request)
        return self.answer(request)


def question(token: str) -> HttpRequest:
    return mpesa_requests.transaction_status(DARAJA, token, "RKT1", "a1")


def fine(_: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(200, json={"ResponseCode": "0"})


def test_a_token_is_asked_for_once_and_again_shortly_before_it_ends() -> None:
    provider = Provider(fine)
    line = provider.line()
    for _ in range(3):
        assert line.ask(question).status == 200
    assert provider.tokens == 1
    provider.clock.at += timedelta(seconds=3590)
    line.ask(question)
    assert provider.tokens == 2
    line.close()


@pytest.mark.parametrize("status", [401, 404])
def test_a_token_that_is_refused_is_renewed_once(status: int) -> None:
    def refuse_first(request: httpx2.Request) -> httpx2.Response:
        if request.headers["authorization"] == "Bearer hidden-token-1":
            return httpx2.Response(status, json={"errorCode": "404.001.03", "errorMessage": "Invalid Access Token"})
        return fine(request)

    provider = Provider(refuse_first)
    assert provider.line().ask(question).status == 200
    assert (provider.tokens, len(provider.asked)) == (2, 2)
    always = Provider(lambda _: httpx2.Response(401))
    assert always.line().ask(question).status == 401
    assert len(always.asked) == 2


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (httpx2.ConnectError("hidden"), NotSent),
        (httpx2.ConnectTimeout("hidden"), NotSent),
        (httpx2.ReadTimeout("hidden"), OSError),
        (httpx2.RemoteProtocolError("hidden"), OSError),
    ],
)
def test_what_the_network_does_is_said_without_a_secret(error: Exception, kind: type[OSError]) -> None:
    def fail(_: httpx2.Request) -> httpx2.Response:
        raise error

    with pytest.raises(OSError, match=r"api\.safaricom") as caught:
        Provider(fail).line().ask(question)
    assert type(caught.value) is kind
    assert "hidden" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_refused_login_is_told_as_never_asked_and_without_a_secret() -> None:
    client = httpx2.Client(
        transport=httpx2.MockTransport(lambda _: httpx2.Response(400, json={"errorCode": "400.008.01"}))
    )
    line = Line(mpesa_requests.access_token(DARAJA), HandClock(), client)
    with pytest.raises(NotSent, match=r"400\.008\.01") as caught:
        line.ask(question)
    assert "hidden" not in str(caught.value)
    line.close()


def test_an_endless_answer_is_cut_off_and_redirects_are_not_followed() -> None:
    endless = Provider(lambda _: httpx2.Response(200, content=b" " * (LARGEST_ANSWER + 1)))
    with pytest.raises(OSError, match="more than"):
        endless.line().ask(question)
    moved = Provider(lambda _: httpx2.Response(302, headers={"location": "https://example.org/"}))
    assert moved.line().ask(question).status == 302
    assert len(moved.asked) == 1


def test_nothing_of_ours_shows_a_secret() -> None:
    provider = Provider(fine)
    line = provider.line()
    line.ask(question)
    assert "hidden" not in repr(DARAJA) + repr(question("hidden-token")) + repr(line)
