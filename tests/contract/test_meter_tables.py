"""What is kept of meters that speak to us comes back as it was, on every store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from microgrid.ports import Store
from microgrid.switching.meter_records import (
    BridgeLease,
    Contact,
    DeadLetter,
    Gap,
    MeterEpoch,
    MeterEvent,
    MeterKeysRow,
    Sending,
)

AT = datetime(2026, 11, 23, 6, 30, 15, 123457, tzinfo=UTC)


def test_what_is_kept_of_meters_comes_back_as_it_was(store: Store) -> None:
    gaps = (Gap(1, 5, AT, 2), Gap(9, 2**32 - 1, AT))
    keys = MeterKeysRow("M-1", "kisiju", bytes(range(200)), 1, 8, "M-1", AT, AT, AT, awaits_fresh=True)
    contact = Contact("M-1", AT, here=False, boot=7, birth=2**32 - 1, clock_set=True, clock_off_s=2**40, timed_at=AT)
    full = Contact("M-2", AT, wire_epoch=2**32 - 1, seen_to=12, missing=gaps, births=(AT, AT + timedelta(seconds=1)))
    epochs = [MeterEpoch(f"M-{meter}:{n}", f"M-{meter}", n, 2**32 - n, AT) for meter in (1, 2) for n in (1, 2)]
    event = MeterEvent("M-1:1:900", "M-1", 1, 900, "limit_reached", 2**48, AT, AT)
    letter = DeadLetter("mg/1/a#01", "mg/1/a", "no COSE", b"\x00\xff", AT, 3)
    with store.begin() as uow:
        uow.meter_keys.add(keys)
        uow.contacts.put_all([contact, full])
        uow.meter_epochs.put_all(epochs)
        uow.meter_events.add(event)
        uow.sendings.put(Sending("M-1", 7, AT, 2))
        uow.dead_letters.put(letter)
        uow.bridge_leases.put(BridgeLease("3", "worker", AT))
    with store.read() as uow:
        assert uow.meter_keys.get("M-1") == keys
        assert uow.contacts.get_all(["M-1", "M-2"]) == {"M-1": contact, "M-2": full}
        assert uow.meter_epochs.where(meter_id="M-2") == epochs[2:]
        assert uow.meter_epochs.where_in("meter_id", ["M-1", "M-2"]) == epochs
        assert uow.meter_events.where(meter_id="M-1") == [event]
        assert uow.sendings.get("M-1") == Sending("M-1", 7, AT, 2)
        assert uow.dead_letters.page() == [letter]
        assert uow.bridge_leases.get("3") == BridgeLease("3", "worker", AT)
    assert "\\x00" not in repr(keys)
