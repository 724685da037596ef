"""The service as a meter sees it and nothing behind it: it wants states, answers who comes, proves what it hears."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from benchmarks.raw_mqtt import RawClient
from device.codec import decode, encode
from device.messages import KIND_OF, Desired, Downlink, FailTerms, Link, Message, Reported, Request, RequestKind
from device.signing import MeterKeys, opened, sealed, topic

NOON_S = 1_772_452_800  # 2026-03-02 12:00 UTC
YEAR_S = 365 * 86_400
EPOCH = 7  # of the registers of a new meter


@dataclass(slots=True)
class Desk:
    """Somebody with the keys of all meters of one site, on a broker; `said` holds what each meter said."""

    site: str
    keys: Mapping[str, MeterKeys]
    client: RawClient
    second: int = NOON_S
    wanted: dict[str, Desired] = field(default_factory=dict)
    reported: dict[str, Reported] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)
    said: dict[str, list[Message]] = field(default_factory=dict)
    births: int = 0
    wills: int = 0

    def __post_init__(self) -> None:
        self.listen(self.client)

    def listen(self, client: RawClient) -> None:
        """Hear the meters through a connection."""
        self.client = client
        self.client.subscribe(f"mg/1/{self.site}/+/reported", f"mg/1/{self.site}/+/link")
        self.client.subscribe(f"mg/1/{self.site}/+/readings", f"mg/1/{self.site}/+/event")

    def want(self, meter: str, revision: int, *, on: bool = True, **other: object) -> None:
        """Want a meter to be in a state, up to 1,000 Wh of its register unless something else is said."""
        epoch = self.reported[meter].epoch if meter in self.reported else EPOCH
        state = Desired(revision, on, 1000, None, None, self.second, FailTerms(), self.second + YEAR_S, epoch)
        self.wanted[meter] = replace(state, **other)  # type: ignore[arg-type]  # the caller names fields
        self.send(meter, self.wanted[meter])

    def send(self, meter: str, told: Downlink) -> None:
        """Send a proven message: a state stays with the broker, a question does not."""
        kind = KIND_OF[type(told)]
        about = topic(self.site, meter, kind)
        self.client.publish(about, sealed(encode(told), self.keys[meter], about), retain=kind == "desired")
        self.client.flush()

    def turn(self, wait_s: float = 0.0) -> None:
        """Take in what came, and tell the time to whoever came."""
        for about, body in self.client.heard(wait_s):
            _, _, _, meter, kind = about.split("/")
            told = decode(kind, opened(body, self.keys[meter], about))
            self.said.setdefault(meter, []).append(told)
            if isinstance(told, Reported):
                self.reported[meter] = told
            elif isinstance(told, Link):
                self._linked(meter, told)

    def is_settled(self) -> bool:
        """Return whether every meter reports the state that is wanted of it, by its own measurement."""
        return all(self.has_obeyed(meter) for meter in self.wanted)

    def has_obeyed(self, meter: str) -> bool:
        """Return whether a meter reports the state that is wanted of it."""
        told, wanted = self.reported.get(meter), self.wanted[meter]
        return told is not None and (told.revision, told.relay) == (wanted.revision, int(wanted.on))

    def _linked(self, meter: str, told: Link) -> None:
        self.links[meter] = told
        self.births += told.here
        self.wills += not told.here
        if told.here:
            self.send(meter, Request(RequestKind.TIME, 1, told.boot, told.birth, self.second))
            if meter in self.wanted:
                self.send(meter, self.wanted[meter])
