"""What is known of devices beside their keys comes back as it was, from every store."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from microgrid.customers.records import Meter
from microgrid.ports import Store
from microgrid.switching.device_records import BrokerUser, Claim, DeviceModel

AT = datetime(2026, 11, 23, 6, 30, 15, 123457, tzinfo=UTC)


def test_records_of_devices_come_back_as_they_were(store: Store) -> None:
    model = DeviceModel("DDS-60", "M", 900, "100 Wh", "mqtt")
    lamp = DeviceModel("lamp", "T", None, "day")
    user = BrokerUser("M-1", "kisiju", "meter", "$7$101$x$y", b"\0sealed", AT, AT, AT)
    box = BrokerUser("box-1", "gulu", "gateway", "$7$101$x$y", b"", AT)
    claim = Claim("M-1", "ab" * 32, "kisiju", AT)
    taken = replace(claim, claimed_at=AT, claimed_by="person:asha")
    with store.begin() as uow:
        uow.device_models.put_all([model, lamp])
        uow.broker_users.put_all([user, box])
        uow.claims.add(claim)
        uow.claims.put(taken)
        uow.meters.add(Meter("M-1", "M", 700, "DDS-60"))
    with store.read() as uow:
        assert uow.device_models.page() == [model, lamp]
        assert uow.broker_users.get("M-1") == user
        assert uow.broker_users.where(site_id="gulu") == [box]
        assert uow.claims.where(code_hash="ab" * 32) == [taken]
        assert uow.meters.get("M-1") == Meter("M-1", "M", 700, "DDS-60")
