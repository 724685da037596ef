"""Meters get their secrets, are claimed once, change keys without losing a message, and lose their rights for ever."""

from __future__ import annotations

import json

import pytest

from device.identity import identities_of
from microgrid import meter_flows, meters
from microgrid.actions import add_site
from microgrid.bridge.provisioning import fresh, line_of, opened_file, sealed_file
from microgrid.customers.records import Meter, Site
from microgrid.errors import Contradiction, InvalidInput, MicrogridError
from microgrid.sealing import SealedKeys
from microgrid.switching import provisioning
from microgrid.switching.claim_codes import code_hash, code_of, label
from microgrid.switching.device_records import DeviceModel
from microgrid.switching.meter_keys import keys_of
from tests.flows.village import ENERGY, AnyStore, Village, make_village

SITE = "kisiju"


@pytest.fixture
def home(store: AnyStore) -> Village:
    """Return a village with one home and a key for secrets, on each kind of store."""
    made = make_village(store, keys=SealedKeys(bytes(32)))
    made.settle_in(ENERGY)
    return made


def issued(home: Village, meter_id: str = "M-K-104") -> provisioning.Fresh:
    """Give a meter its secrets, and return what was made for it."""
    made = fresh()
    assert meters.issue(home.core, SITE, [(Meter(meter_id), made)], "asha") == [meter_id]
    return made


def test_a_meter_gets_two_keys_a_password_and_a_claim_code(home: Village) -> None:
    made = issued(home, "M-7")
    with home.store.begin() as uow:
        row, user, claim = uow.meter_keys.get("M-7"), uow.broker_users.get("M-7"), uow.claims.get("M-7")
        assert keys_of(uow, home.core.keys, "M-7").slots == made.keys
        assert [one.id for one in provisioning.users(uow)] == ["M-7"]
        assert [item.to for item in uow.outbox.due("broker", home.clock.now(), 10)] == ["M-7"]
    assert row is not None
    assert user is not None
    assert claim is not None
    for secret in (*made.keys, made.password.encode(), made.claim_code.encode()):
        kept = row.sealed + user.sealed_password + claim.code_hash.encode() + user.password_hash.encode()
        assert secret not in kept
        assert repr(secret) not in repr((row, user, claim))
    assert {row.action for row in home.audit("meter:M-7")} == {"add meter", "issue keys"}


def test_the_same_again_changes_nothing_and_mistakes_are_told_together(home: Village) -> None:
    made = issued(home)
    assert meters.issue(home.core, SITE, [(Meter("M-K-104"), fresh())], "asha") == []
    (given,) = meters.hand_out(home.core, ["M-K-104"], "asha")
    assert given.keys == made.keys
    wanted = [(Meter("M-8", "T"), fresh()), (Meter("m 9"), fresh()), (Meter("M-10"), fresh())]
    with pytest.raises(InvalidInput) as refused:
        meters.issue(home.core, SITE, wanted, "asha")
    assert {problem.code for problem in refused.value.problems} == {"MG-M070", "MG-A003"}
    with pytest.raises(InvalidInput, match="MG-A001"):
        meters.issue(home.core, "nowhere", [(Meter("M-11"), fresh())], "asha")
    add_site(home.core, Site("gulu", "Gulu", "Africa/Nairobi", "KES", 2), "test")
    with pytest.raises(InvalidInput, match="MG-M061"):
        meters.issue(home.core, "gulu", [(Meter("M-K-104"), fresh())], "asha")
    with home.store.read() as uow:
        assert [one.id for one in uow.meters.page()] == ["M-K-104"]


def test_secrets_are_handed_out_once_as_an_emulated_meter_reads_them(home: Village) -> None:
    made = issued(home)
    (given,) = meters.hand_out(home.core, ["M-K-104"], "asha")
    (identity,) = identities_of([line_of(given)])
    assert identity.plate.keys.slots == made.keys
    assert (identity.plate.site, identity.username, identity.password) == (SITE, "M-K-104", made.password)
    with pytest.raises(InvalidInput, match="MG-M072"):
        meters.hand_out(home.core, ["M-K-104"], "asha")
    with pytest.raises(InvalidInput, match="MG-M060"):
        meters.hand_out(home.core, ["M-99"], "asha")
    with home.store.read() as uow:
        user = uow.broker_users.get("M-K-104")
        assert user is not None
        assert user.sealed_password == b""
    assert "show keys" in {row.action for row in home.audit("meter:M-K-104")}


def test_a_meter_is_claimed_once_by_its_label(home: Village) -> None:
    code = issued(home, "M-7").claim_code
    misread = code.lower().replace("0", "o").replace("1", "l").replace("-", " ")
    assert meters.claim(home.core, label("M-7", code), "asha").id == "M-7"
    assert meters.claim(home.core, misread, "asha").claimed_by == "asha"
    with pytest.raises(InvalidInput, match=r"MG-M074: meter 'M-7' was claimed by asha"):
        meters.claim(home.core, code, "ben")
    with pytest.raises(InvalidInput, match="MG-M073"):
        meters.claim(home.core, "0000-0000-0000", "ben")
    assert len(home.audit("meter:M-7")) == 3


def test_a_claim_code_says_nothing_of_the_keys_and_is_spelt_so_that_it_can_be_read() -> None:
    codes = {code_of(bytes([number]) * 8) for number in range(256)}
    assert len(codes) == 256
    assert all(set(code) <= set("0123456789ABCDEFGHJKMNPQRSTVWXYZ-") and len(code) == 14 for code in codes)
    assert len({code_hash(code) for code in codes}) == 256


def test_a_key_is_changed_without_losing_a_message(home: Village) -> None:
    first = issued(home)
    second = fresh()
    given = meters.renew(home.core, "M-K-104", second, "asha")
    assert (given.keys, given.sign_with, given.password) == ((None, second.keys[0]), 1, "")
    with pytest.raises(InvalidInput, match="MG-M075"):
        meters.renew(home.core, "M-K-104", fresh(), "asha")
    with pytest.raises(InvalidInput, match="MG-M075"):
        meters.drop_old_key(home.core, "M-K-104", "asha")
    with home.store.begin() as uow:
        both = keys_of(uow, home.core.keys, "M-K-104")
        assert (both.slots, both.sign_with) == ((first.keys[0], second.keys[0]), 0)
    meter_flows.on_key_shown(home.core, "M-K-104", 1)
    meters.drop_old_key(home.core, "M-K-104", "asha")
    with home.store.begin() as uow:
        after = keys_of(uow, home.core.keys, "M-K-104")
        assert (after.slots, after.sign_with) == ((None, second.keys[0]), 1)
    home.clock.pass_(hours=1)
    third, fourth = fresh(), fresh()
    assert meters.renew(home.core, "M-K-104", third, "asha").keys == (third.keys[0], None)
    assert meters.renew(home.core, "M-K-104", fourth, "asha", instead=True).keys == (fourth.keys[0], None)


def test_a_lost_password_is_replaced_and_ends_at_once(home: Village) -> None:
    issued(home)
    meters.hand_out(home.core, ["M-K-104"], "asha")
    made = fresh()
    home.clock.pass_(hours=1)
    assert meters.renew(home.core, "M-K-104", made, "asha", with_password=True).password == made.password
    with home.store.read() as uow:
        assert [one.password_hash for one in provisioning.users(uow)] == [made.password_hash]
        assert len(uow.outbox.due("broker", home.clock.now(), 10)) == 2


def test_what_was_revoked_stays_ended(home: Village) -> None:
    issued(home)
    meters.revoke(home.core, "M-K-104", "asha", "stolen")
    meters.revoke(home.core, "M-K-104", "asha", "stolen")
    with home.store.read() as uow:
        assert provisioning.users(uow) == []
        with pytest.raises(InvalidInput, match="MG-M060"):
            keys_of(uow, home.core.keys, "M-K-104")
    with pytest.raises(InvalidInput, match="MG-M076"):
        meters.issue(home.core, SITE, [(Meter("M-K-104"), fresh())], "asha")
    with pytest.raises(InvalidInput, match="MG-M060"):
        meters.revoke(home.core, "M-99", "asha", "?")
    with pytest.raises(InvalidInput, match="MG-M060"):
        meters.ask(home.core, "M-K-104", "report", "asha")
    assert [row.detail for row in home.audit("meter:M-K-104") if row.action == "revoke"] == ["stolen"]


def test_a_gateway_comes_with_a_password_and_no_key(home: Village) -> None:
    made = fresh()
    assert meters.add_gateway(home.core, "box-1", SITE, made, "asha") == made.password
    with pytest.raises(InvalidInput, match="MG-M072"):
        meters.add_gateway(home.core, "box-1", SITE, fresh(), "asha")
    other = fresh()
    assert meters.add_gateway(home.core, "box-1", SITE, other, "asha", renewed=True) == other.password
    for name in ("M-K-104", "gateway", "service", "a/b", "x" * 33):
        with pytest.raises(InvalidInput, match="MG-M071"):
            meters.add_gateway(home.core, name, SITE, fresh(), "asha")
    with home.store.read() as uow:
        assert uow.meter_keys.get("box-1") is None
        assert [one.kind for one in provisioning.users(uow)] == ["gateway"]
    meters.revoke(home.core, "box-1", "asha", "sold")
    with pytest.raises(Contradiction, match="MG-A002"):
        meters.add_gateway(home.core, "box-1", SITE, fresh(), "asha", renewed=True)


def test_a_model_says_what_its_meters_can_do(home: Village) -> None:
    sleeper = DeviceModel("sleeper", "S", 86_400)
    assert meters.add_model(home.core, sleeper, "asha") == meters.add_model(home.core, sleeper, "asha")
    with pytest.raises(Contradiction, match="MG-A002"):
        meters.add_model(home.core, DeviceModel("sleeper", "M"), "asha")
    assert meters.issue(home.core, SITE, [(Meter("M-7", model_id="sleeper"), fresh())], "asha") == ["M-7"]
    with home.store.read() as uow:
        assert uow.meters.get("M-7") == Meter("M-7", "S", model_id="sleeper")
    for model_id in ("nothing", "sleeper"):
        with pytest.raises(MicrogridError):
            meters.issue(home.core, SITE, [(Meter("M-K-104", model_id=model_id), fresh())], "asha")


def test_a_meter_knows_what_a_unit_of_its_tokens_means(home: Village) -> None:
    meters.add_model(home.core, DeviceModel("keypad", "S", 86_400, "day"), "asha")
    meters.issue(home.core, SITE, [(Meter("M-7", model_id="keypad"), fresh())], "asha")
    (given,) = meters.hand_out(home.core, ["M-7"], "asha")
    (identity,) = identities_of([line_of(given)])
    assert identity.plate.token_unit_s == 86_400


def test_a_factory_file_opens_with_its_passphrase_alone() -> None:
    lines = [json.dumps({"meter": f"M-{number}"}) for number in range(3)]
    sealed = sealed_file(lines, "four words in a row")
    assert opened_file(sealed, "four words in a row") == lines
    assert "M-1" not in sealed
    changed = sealed.replace('"body": "', '"body": "AAAA')
    for text, passphrase in ((sealed, "four words in row"), (changed, "four words in a row"), ("{}", "x"), ("[", "x")):
        with pytest.raises(InvalidInput, match="MG-M081"):
            opened_file(text, passphrase)
    with pytest.raises(InvalidInput, match="MG-M082"):
        sealed_file(lines, "short")
