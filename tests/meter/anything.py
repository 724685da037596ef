"""Any message at all, for properties: every field over all it may hold."""

from __future__ import annotations

from hypothesis import strategies as st

from device.messages import (
    ClockQuality,
    Desired,
    Event,
    EventKind,
    FailTerms,
    Link,
    Message,
    Readings,
    Relay,
    Reported,
    Request,
    RequestKind,
    Result,
)
from device.rows import ROWS_PER_BATCH, Row

U32 = st.integers(0, 2**32 - 1)
WH = st.integers(0, 2**48)
TIME_S = st.integers(0, 2**40)
SECOND_OF_DAY = st.integers(0, 86_400)

fail_terms = st.builds(FailTerms, U32, U32, U32, st.booleans(), SECOND_OF_DAY, SECOND_OF_DAY, U32)
desired = st.builds(
    Desired,
    revision=U32,
    on=st.booleans(),
    cutoff_wh=st.none() | WH,
    until_s=st.none() | TIME_S,
    power_limit_w=st.none() | U32,
    service_time_s=TIME_S,
    fail=fail_terms,
    not_after_s=TIME_S,
    epoch=U32,
    tokens_included=U32,
    daily_wh=st.none() | U32,
    day_start_s=SECOND_OF_DAY,
)
seqs = st.tuples(U32, U32).map(lambda pair: (min(pair), max(pair)))
requests = st.builds(Request, st.sampled_from(RequestKind), U32, U32, U32, TIME_S, st.none() | seqs)
reported = st.builds(
    Reported, U32, st.sampled_from(Relay), WH, st.sampled_from(Result), TIME_S, U32, U32, U32, U32, st.none() | TIME_S
)
events = st.builds(Event, U32, U32, st.sampled_from(EventKind), WH, TIME_S)
links = st.builds(Link, U32, st.booleans(), U32, U32, U32, U32, U32, st.sampled_from(ClockQuality))


@st.composite
def readings(draw: st.DrawFn) -> Readings:
    rows = draw(st.integers(1, ROWS_PER_BATCH))
    pairs = st.none() | st.lists(st.tuples(st.integers(0, rows - 1), U32), max_size=4).map(tuple)
    changes = st.tuples(*[st.integers(-(2**32) + 1, 2**32 - 1)] * (rows - 1))
    return Readings(
        draw(U32),
        draw(U32),
        draw(TIME_S),
        draw(WH),
        draw(st.integers(1, 86_400)),
        draw(st.none() | U32),
        draw(st.tuples(*[U32] * (rows - 1))),
        draw(st.none() | changes),
        draw(st.none() | st.tuples(*[U32] * rows)),
        draw(pairs),
        draw(pairs),
        draw(pairs),
        draw(U32),
        draw(U32),
        draw(st.none() | st.lists(WH, max_size=4).map(tuple)),
    )


@st.composite
def rows(draw: st.DrawFn) -> list[Row]:
    """Return rows as a ring may hold them: numbers rise, all else may do what it likes."""
    count = draw(st.integers(1, ROWS_PER_BATCH))
    seq = draw(st.integers(1, 2**31))
    found = []
    for _ in range(count):
        time_s, register_wh = draw(st.integers(0, 2**32 - 1)), draw(st.integers(0, 2**32 - 1))
        found.append(Row(seq, time_s, register_wh, draw(st.integers(0, 65_535)), draw(st.sampled_from(Relay))))
        seq += draw(st.integers(1, 3))
    return found


any_message: st.SearchStrategy[Message] = st.one_of(desired, requests, reported, readings(), events, links)
