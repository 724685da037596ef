"""Payment accounts in `organisation.yaml`: every mistake is said, and no secret ever is."""

from __future__ import annotations

from pathlib import Path

import pytest

from microgrid.cli.money_keys import secrets_of
from microgrid.cli.serving import open_asking_core, payment_hooks, settings
from microgrid.errors import Environment, InvalidInput
from microgrid.store.opening import upgrade

MPESA = """
  - provider: mpesa
    shortcode: "600638"
    currency: KES
    exponent: 2
    region: KE
    secret_path: 7hX2vQ9rLw4nTz8b
"""
KEYS = """
    keys:
      consumer_key_env: TEST_CONSUMER_KEY
      consumer_secret_file: daraja-secret
      passkey_env: TEST_PASSKEY
      initiator_env: TEST_INITIATOR
      security_credential_file: daraja-credential
"""
MOMO = """
  - provider: momo
    shortcode: COLL1
    currency: UGX
    exponent: 0
    region: UG
    secret_path: 8hX2vQ9rLw4nTz8c
    environment: mtnuganda
    keys: {api_user_env: TEST_USER, api_key_env: TEST_KEY, subscription_key_env: TEST_SUBSCRIPTION}
"""
WEBHOOK = """
  - provider: webhook
    shortcode: BANK1
    currency: KES
    exponent: 2
    region: KE
    secret_path: 9hX2vQ9rLw4nTz8d
    keys: {signing_secret_env: TEST_SIGNING}
"""
PUBLIC = "public_url: https://pay.example.org\n"


def write(folder: Path, *accounts: str, head: str = PUBLIC) -> None:
    text = "database: books.db\n" + head + "payments:" + "".join(accounts)
    (folder / "organisation.yaml").write_text(text, encoding="utf-8")


def refused(folder: Path) -> str:
    with pytest.raises(InvalidInput) as caught:
        settings(folder)
    return str(caught.value)


def set_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONSUMER_KEY", "PASSKEY", "INITIATOR", "USER", "KEY", "SUBSCRIPTION", "SIGNING"):
        monkeypatch.setenv(f"TEST_{name}", f"hidden-{name}")
    (folder / "daraja-secret").write_text("hidden-secret\n", encoding="utf-8")
    (folder / "daraja-credential").write_text("hidden-credential", encoding="utf-8")


def test_secrets_come_from_variables_and_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, MPESA, KEYS, MOMO, WEBHOOK)
    set_up(tmp_path, monkeypatch)
    organisation = settings(tmp_path)
    secrets = secrets_of(organisation.payments, tmp_path)
    assert secrets["mpesa:600638"]["consumer_secret"] == "hidden-secret"
    assert secrets["momo:COLL1"]["api_key"] == "hidden-KEY"
    upgrade(str(tmp_path / "books.db"))
    core = open_asking_core(tmp_path)
    assert sorted(core.providers) == ["momo:COLL1", "mpesa:600638"]
    for way in core.providers.values():
        way.close()
    calls = [f"{hook.source}/{hook.call}" for hook in payment_hooks(organisation, secrets)]
    assert calls == [
        *(f"mpesa:600638/{call}" for call in ("confirmation", "validation", "stk", "status", "reversal", "timeout")),
        "momo:COLL1/callback",
        "webhook:BANK1/signed",
    ]
    assert "hidden" not in repr(organisation) + repr(core.providers)


def test_every_secret_that_is_missing_is_named_by_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, MPESA, KEYS)
    set_up(tmp_path, monkeypatch)
    monkeypatch.delenv("TEST_PASSKEY")
    (tmp_path / "daraja-secret").write_text("\n", encoding="utf-8")
    with pytest.raises(Environment) as caught:
        secrets_of(settings(tmp_path).payments, tmp_path)
    assert [problem.code for problem in caught.value.problems] == ["MG-P026", "MG-P026"]
    said = str(caught.value)
    assert "the variable TEST_PASSKEY" in said
    assert "the file daraja-secret" in said
    assert "hidden" not in said


def test_a_secret_written_into_the_settings_is_refused_and_not_repeated(tmp_path: Path) -> None:
    write(
        tmp_path, MPESA, "    keys: {consumer_key: hidden-key, consumer_secret: hidden-secret, passkey: hidden-pass}\n"
    )
    said = refused(tmp_path)
    assert "MG-P023" in said
    assert "consumer_key_env" in said
    assert "hidden" not in said


@pytest.mark.parametrize(
    ("account", "code", "words"),
    [
        (MPESA + "    confirm_above_minor: 100\n", "MG-P024", "no keys to ask with"),
        (MPESA + "    confirm: always\n", "MG-P024", "no keys to ask with"),
        (MPESA + "    lists: true\n", "MG-P024", "no keys to ask with"),
        (MPESA.replace('"600638"', "PAYBILL"), "MG-A014", "no shortcode"),
        (MPESA.replace("7hX2vQ9rLw4nTz8b", "7hX2vQsqLw4nTz8bEXE"), "MG-P024", "holds a word"),
        (MPESA + "    keys: {consumer_key_env: A, consumer_key_file: B}\n", "MG-P023", "both as a variable"),
        (MPESA + "    base_url: https://api.safaricom.co.ke.example.org\n", "MG-P025", "api.safaricom.co.ke"),
        (MPESA + "    base_url: http://api.safaricom.co.ke\n", "MG-P025", "base_url"),
        (MPESA + "    base_url: https://api.safaricom.co.ke@203.0.113.9\n", "MG-P025", "base_url"),
        (MOMO.replace("    environment: mtnuganda\n", ""), "MG-P024", "no environment"),
        (MOMO.replace("    keys: {", "    keys: {other_env: X, "), "MG-P023", "other_env"),
        (MOMO.replace("api_key_env: TEST_KEY, ", ""), "MG-P023", "lack api_key"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(tmp_path: Path, account: str, code: str, words: str) -> None:
    write(tmp_path, account)
    said = refused(tmp_path)
    assert code in said
    assert words in said


def test_who_can_be_asked_needs_an_address_to_answer_to(tmp_path: Path) -> None:
    write(tmp_path, MOMO, head="")
    assert "public_url" in refused(tmp_path)
    write(tmp_path, MOMO, head="public_url: http://pay.example.org\n")
    assert "it is no https address" in refused(tmp_path)


@pytest.mark.parametrize("host", ["https://sandbox.safaricom.co.ke", "http://127.0.0.1:8081", "http://localhost:8081"])
def test_a_sandbox_and_an_emulator_here_are_allowed(tmp_path: Path, host: str) -> None:
    write(tmp_path, MPESA + f"    base_url: {host}\n")
    assert settings(tmp_path).payments[0].base_url == host


def test_wallets_without_signatures_are_asked_by_themselves(tmp_path: Path) -> None:
    write(tmp_path, MPESA, MOMO, MOMO.replace("COLL1", "COLL2") + "    confirm_above_minor: 5000\n")
    assert [account.limit_minor for account in settings(tmp_path).payments] == [None, 0, 5000]
