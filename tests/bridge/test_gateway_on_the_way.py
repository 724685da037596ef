"""A gateway carries messages of other meters and proves nothing for them."""

from __future__ import annotations

import cbor2

from device.signing import MeterKeys, sealed
from device.state import Send
from microgrid.bridge.carrier import Arrived
from tests.bridge.field import SITE, Field
from tests.bridge.test_messages_in_any_order import METER, ORDERS, REPORTS, dead


def test_a_gateway_carries_meters_and_proves_nothing_for_them(place: Field) -> None:
    radio_ = place.install(load_w=400)
    up, down = f"mg/1/{SITE}/gateway/G-1/up", f"mg/1/{SITE}/gateway/G-1/{METER}"
    place.hub.listen(up, place.inbox.put)

    def carry(said: list[Send]) -> None:
        if said:
            place.hub.publish(up, cbor2.dumps([[METER, each.kind, each.body] for each in said]), retain=False)

    def hear(arrived: Arrived) -> None:
        carry(radio_.device.hear(arrived.topic.rsplit("/", 1)[-1], arrived.body))

    for kind in ("desired", "request"):
        place.hub.listen(f"{down}/{kind}", hear)
    carry(radio_.device.connect(77))
    place.settle()
    place.village.pay("R1", 100_000)
    place.settle()
    assert place.is_on()
    assert place.twin().confirmed
    assert place.hub.went.count(ORDERS) == 0
    forged = sealed(b"\xa0", MeterKeys((bytes(32), None)), REPORTS)
    for body in (cbor2.dumps([[METER, "reported", forged]]), b"\xff", cbor2.dumps([[METER, "desired", b"x"]]), b"\x80"):
        place.hub.publish(up, body, retain=False)
    place.settle()
    assert len(dead(place)) == 3
