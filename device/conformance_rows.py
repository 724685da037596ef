"""Checks of the rows a meter keeps and sends, and of everything it said during all checks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

from device.conformance_session import CheckFailedError, DeclinedError, Heard, Session
from device.messages import Capability, Event, Link, Readings, Reported, RequestKind
from device.rows import ROWS_PER_BATCH, Row, rows_of
from device.signing import LARGEST_MESSAGE

LOAD_W = 600
INTERVAL_S = 900


def sends_rows(session: Session) -> None:
    """Require that it sends a row every 15 minutes, at the quarter of an hour, with the register as it was then."""
    rows = _measured(session)
    crooked = [row.time_s for row in rows if row.time_s % INTERVAL_S]
    if crooked:
        raise CheckFailedError(f"a row is of a full quarter of an hour, and not of {crooked[0]}")
    for before, after in pairwise(rows):
        if (after.seq, after.time_s) != (before.seq + 1, before.time_s + INTERVAL_S):
            raise CheckFailedError(f"rows follow one another in number and time; after {before} came {after}")
    used_wh = rows[-1].register_wh - rows[0].register_wh
    due_wh = LOAD_W * INTERVAL_S // 3600 * (len(rows) - 1)
    if abs(used_wh - due_wh) > due_wh // 20:
        raise CheckFailedError(f"{due_wh} Wh have flowed between two rows, and it counted {used_wh} Wh")


def sends_rows_again(session: Session) -> None:
    """Require that rows asked for come again as they were, and rows it does not have are passed over."""
    rows = _known(session)
    _expect_again(session, rows[2:6], "rows asked for come again as they were")
    _expect_again(session, rows, "rows asked for come again as they were")
    ahead = rows[-1].seq + 100_000
    exchange = session.ask(RequestKind.RESEND, seqs=(ahead, ahead + 10))
    if exchange.batches:
        raise CheckFailedError("rows that are not there yet cannot be sent")


def keeps_rows_through_a_power_cut(session: Session) -> None:
    """Require that rows outlive a power cut, and numbers go on behind those that were used."""
    rows = _known(session)
    session.cut()
    link = session.coming
    if link.last_seq < rows[-1].seq:
        wanted = replace(link, last_seq=rows[-1].seq)
        raise CheckFailedError("its birth says the last number it has used, or one above", wanted)
    _expect_again(session, rows, "rows outlive a power cut")


def says_only_what_is_right(session: Session) -> None:
    """Require that all it said is proven, in the one right form, of QoS 1 and at most 512 bytes."""
    for heard in session.heard:
        if heard.is_retained:
            continue  # it may be from before, when the meter had another key
        if heard.message is None:
            raise CheckFailedError(f"{heard.kind} {heard.body.hex()[:200]}: {heard.fault}")
        if len(heard.body) > LARGEST_MESSAGE or not heard.qos:
            raise CheckFailedError(f"{heard.kind}: {len(heard.body)} bytes of QoS {heard.qos}", heard.message)


def counts_only_upwards(session: Session) -> None:
    """Require that no register, revision or boot count ever fell, and no number stands for two things."""
    reports = [each.message for each in session.heard if isinstance(each.message, Reported)]
    links = [each.message for each in session.heard if isinstance(each.message, Link) and each.message.here]
    for before, after in pairwise(reports):
        same = before.epoch == after.epoch
        if same and (after.register_wh < before.register_wh or after.revision < before.revision):
            wanted = replace(after, register_wh=before.register_wh, revision=before.revision)
            raise CheckFailedError("within an epoch neither register nor revision falls", wanted)
    fallen = [after for before, after in pairwise(links) if after.boot < before.boot]
    if fallen and len({report.epoch for report in reports}) == 1:
        raise CheckFailedError("the boot count never falls", fallen[0])
    _expect_numbers_once(session.heard)


def _measured(session: Session) -> list[Row]:
    """Return the rows a meter sends of more than six hours with a steady load."""
    if not session.coming.capabilities & Capability.RING:
        raise DeclinedError("it says that it keeps no rows")
    session.supply()
    session.ask(RequestKind.REPORT)
    began_s = session.state.time_s
    exchange = session.run(LOAD_W, INTERVAL_S * (2 * ROWS_PER_BATCH + 1))
    rows = [row for batch in exchange.batches for row in rows_of(batch) if row.time_s > began_s]
    if len(rows) < ROWS_PER_BATCH:
        raise CheckFailedError(f"six hours have passed, and it sent {len(rows)} rows of them")
    return rows


def _known(session: Session) -> list[Row]:
    """Return the last rows it has sent, or those of a new measurement, which takes hours on a real meter."""
    batches = [each.message for each in session.heard if isinstance(each.message, Readings)]
    sent = {row.seq: row for batch in batches if batch.epoch == session.state.epoch for row in rows_of(batch)}
    rows = [sent[seq] for seq in sorted(sent)][-ROWS_PER_BATCH:]
    return rows if len(rows) == ROWS_PER_BATCH else _measured(session)


def _expect_again(session: Session, rows: list[Row], why: str) -> None:
    exchange = session.ask(RequestKind.RESEND, seqs=(rows[0].seq, rows[-1].seq))
    again = {row.seq: row for batch in exchange.batches for row in rows_of(batch)}
    missing = [row for row in rows if again.get(row.seq) != row]
    if missing:
        found = again.get(missing[0].seq)
        came = "did not come" if found is None else f"came as {found}"
        raise CheckFailedError(f"{why}: {missing[0]} {came}")


def _expect_numbers_once(heard: Iterable[Heard]) -> None:
    """Fail where one number stands for two rows or events that differ."""
    known: dict[tuple[int, int], Row | Event] = {}
    for message in (each.message for each in heard):
        if isinstance(message, Event):
            _expect_once(known, message.epoch, message.seq, message)
        elif isinstance(message, Readings):
            for row in rows_of(message):
                _expect_once(known, message.epoch, row.seq, row)


def _expect_once(known: dict[tuple[int, int], Row | Event], epoch: int, seq: int, what: Row | Event) -> None:
    before = known.setdefault((epoch, seq), what)
    if before != what:
        raise CheckFailedError(f"number {seq} stands for {before} and for {what}")
