"""A payment becomes light at a meter that is told by signed messages, and what it measures becomes a charge."""

from __future__ import annotations

from tests.bridge.field import Field

HOUR_S = 3600


def test_a_payment_becomes_light_and_light_becomes_a_charge(field: Field) -> None:
    radio = field.install(load_w=400)
    radio.come()
    field.settle()
    assert not field.is_on()
    field.village.pay("R1", 100_000)  # 4,000 Wh at 25 minor units
    field.settle()
    assert field.is_on()
    assert field.twin().confirmed
    field.run(3 * HOUR_S)
    assert field.village.credit_minor() == 100_000 - 3 * 400 * 25
    field.run(9 * HOUR_S, 300)
    assert not field.is_on()
    assert (radio.device.meter.used.register_wh, field.village.credit_minor()) == (5000, 0)
    assert field.twin().confirmed
    field.village.are_books_true()
