"""How meters and their orders are told at the command line: each step with its time, and what is not known as such."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, tzinfo

from microgrid.meter_views import MeterLine, MeterView
from microgrid.switching.progress import Progress
from microgrid.switching.supply import Desired

STEP, TIME = 11, 14  # widths of columns


def told(progress: Progress, zone: tzinfo, now: datetime) -> str:
    """Return how far a meter is in a few words, as a list shows it."""
    asked_at, confirmed_at = progress.asked_at, progress.confirmed_at
    if progress.state == "unseen":
        return f"unseen: {progress.said}"
    if progress.state == "disagrees":
        return f"disagrees: {progress.said}"
    if progress.state == "not answered":
        return _with(f"not answered since {short(asked_at or progress.sent_at, zone, now)}", progress.said)
    if progress.state == "sent":
        times = f" ({progress.times_sent} times)" if progress.times_sent > 1 else ""
        return _with(f"sent {short(progress.sent_at, zone, now)}{times}", progress.said)
    if progress.state == "confirmed":
        return _with(f"confirmed {short(confirmed_at, zone, now)}", progress.said)
    return _with(f"asked {short(asked_at, zone, now)}", progress.said) if progress.state == "asked" else "nothing asked"


def steps(meter_id: str, progress: Progress, zone: tzinfo) -> Sequence[str]:
    """Return the steps an order has reached, a line each, in order."""
    return list(_steps(meter_id, progress, zone))


def waiting(progress: Progress, rest: str, now: datetime) -> str:
    """Return what there is to say where no answer came; `rest` says what becomes of what was asked."""
    if progress.heard_at is None:
        heard = "the meter was never heard"
    else:
        heard = f"meter last heard {ago(now - progress.heard_at)} ago"
    refused = f"; it {progress.said}" if progress.said else ""
    return f"{'waiting':<{STEP}}{heard}{refused}; {rest}"


def stands(desired: Desired | None) -> str:
    """Return what becomes of an order that waits."""
    if desired is None:
        return "it is decided anew when credit comes"
    return f"the order stands; it will switch {'on' if desired.supply.on else 'off'} when heard"


def wanted(desired: Desired | None) -> str:
    """Return in one line what a meter is told."""
    if desired is None:
        return "nothing"
    supply = desired.supply
    limits = [
        (f"at most {supply.power_limit_w} W", supply.power_limit_w),
        (f"{supply.daily_wh} Wh a day", supply.daily_wh),
        (f"until its register shows {supply.cutoff_wh} Wh", supply.cutoff_wh),
        (f"until {supply.until:%Y-%m-%d %H:%M} UTC" if supply.until else "", supply.until),
    ]
    kept = [text for text, limit in limits if limit is not None] if supply.on else []
    return ", ".join(["ON" if supply.on else "OFF", *kept])


def table(lines: Sequence[MeterLine], zones: dict[str, tzinfo], utc: tzinfo, now: datetime) -> Iterator[str]:
    """Yield meters as the lines of a table."""
    yield f"{'METER':<14}{'TOLD':<6}{'SAYS':<6}{'HEARD':<14}{'PLACE':<14}STATE"
    for line in lines:
        zone = zones.get(line.site_id or "", utc)
        says = {True: "ON", False: "OFF", None: "-"}[line.progress.is_on]
        heard = "-" if line.progress.heard_at is None else short(line.progress.heard_at, zone, now)
        silent = "  SILENT" if line.silent else ""
        place = line.connection_id or "-"
        state = told(line.progress, zone, now)
        yield f"{line.meter_id:<14}{line.wanted or '-':<6}{says:<6}{heard:<14}{place:<14}{state}{silent}"


def described(view: MeterView, zone: tzinfo, now: datetime) -> Iterator[str]:
    """Yield everything about a meter, a line each."""
    line = view.line
    site = "" if line.site_id is None else f" at {line.site_id}"
    yield f"{line.meter_id}  profile {line.profile}  {line.model_id or 'no model'}  " + (
        f"fitted to {line.connection_id}{site}" if line.connection_id else "fitted nowhere"
    )
    yield f"told       {wanted(view.desired)}"
    yield f"because    {view.why}"
    yield from steps(line.meter_id, line.progress, zone)
    yield f"state      {told(line.progress, zone, now)}"
    heard_at = line.progress.heard_at
    heard = "never" if heard_at is None else f"{short(heard_at, zone, now)} ({ago(now - heard_at)} ago)"
    expected = "" if view.expected_contact_s is None else f", expected every {ago(_seconds(view.expected_contact_s))}"
    yield f"heard      {heard}{expected}"
    yield f"keys       {view.keys}" + (f", claimed by {view.claimed_by}" if view.claimed_by else "")
    yield from (f"LOOK       {doubt}" for doubt in view.doubts)


def short(at: datetime | None, zone: tzinfo, now: datetime) -> str:
    """Return a moment as somebody on site says it: the time of today, or day and time."""
    if at is None:
        return "-"
    local = at.astimezone(zone)
    return f"{local:%H:%M}" if local.date() == now.astimezone(zone).date() else f"{local:%d %b %H:%M}"


def ago(span: timedelta) -> str:
    """Return how long something took or is past, in the two largest units."""
    seconds = max(0, int(span.total_seconds()))
    parts = [(seconds // 86_400, "d"), (seconds // 3600 % 24, "h"), (seconds // 60 % 60, "min"), (seconds % 60, "s")]
    first = next((place for place, (count, _) in enumerate(parts) if count), len(parts) - 1)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2] if count) or "0 s"


def _steps(meter_id: str, progress: Progress, zone: tzinfo) -> Iterator[str]:
    if progress.asked_at is not None:
        yield _step("asked", progress.asked_at, zone, f"command {progress.revision}")
    if progress.sent_at is not None:
        times = f", {progress.times_sent} times" if progress.times_sent > 1 else ""
        yield _step("sent", progress.sent_at, zone, f"broker took it{times}")
    if progress.confirmed_at is not None and progress.state in {"confirmed", "disagrees"}:
        says = {True: "ON", False: "OFF", None: "nothing of its relay"}[progress.is_on]
        shown = "" if progress.register_wh is None else f", {progress.register_wh / 1000:.1f} kWh"
        took = "" if progress.asked_at is None else f"      {_took_s(progress):.2f} s"
        said = f" ({progress.said})" if progress.said else ""
        yield _step(progress.state, progress.confirmed_at, zone, f"meter {meter_id} says {says}{shown}{said}{took}")


def _took_s(progress: Progress) -> float:
    assert progress.confirmed_at is not None
    assert progress.asked_at is not None
    return (progress.confirmed_at - progress.asked_at).total_seconds()


def _step(name: str, at: datetime, zone: tzinfo, said: str) -> str:
    local = at.astimezone(zone)
    return f"{name:<{STEP}}{f'{local:%H:%M:%S}.{local.microsecond // 1000:03}':<{TIME}}{said}"


def _with(text: str, said: str) -> str:
    return f"{text}: {said}" if said else text


def _seconds(count: int) -> timedelta:
    return timedelta(seconds=count)
