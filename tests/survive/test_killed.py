"""A process that is killed at any commit, and another that goes on, end where one that was never killed ends."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from benchmarks import private_postgres
from microgrid.errors import MicrogridError
from microgrid.store.memory import MemoryStore
from microgrid.store.opening import upgrade
from microgrid.store.sql import open_store
from microgrid.store.tables import METADATA
from tests.flows.village import START, AnyStore, Village
from tests.survive.story import STORY, Post, die, ending, found, live, village_on

EACH = 20  # of the boundaries in the short run one in so many
FORKS = multiprocessing.get_context("forkserver")  # each process new, and quickly there
FORKS.set_forkserver_preload(["tests.survive.story"])


class Place:
    """A database in which the village is founded anew as often as wanted, each time with a folder for what it sends."""

    def __init__(self, address: str, folder: Path) -> None:
        self.address, self.folder, self.times = address, folder, 0

    def anew(self) -> Path:
        """Empty the database, found the village, and return a new folder."""
        self.times += 1
        folder = self.folder / f"{self.times}"
        folder.mkdir()
        if "://" in self.address:
            private_postgres.empty(self.address, METADATA)
            self._found(folder)
        else:
            Path(self.address).write_bytes(self._founded())
        return folder

    @cache  # noqa: B019 - a place lives as long as its test
    def _founded(self) -> bytes:
        """Return the file of a village that was founded."""
        upgrade(self.address)
        self._found(self.folder)
        return Path(self.address).read_bytes()

    def _found(self, folder: Path) -> None:
        store = open_store(self.address)
        found(village_on(store, folder))
        store.close()

    def until(self, die_at: int, how: str) -> tuple[Path, int | None]:
        """Found the village, and let a process live in it until it is killed; return its folder and how it ended."""
        folder = self.anew()
        process = FORKS.Process(target=die, args=(self.address, str(folder), die_at, how))
        process.start()
        process.join()
        return folder, process.exitcode

    def rest(self, folder: Path) -> tuple[dict[str, Any], set[tuple[str, ...]]]:
        """Go on where the process stopped; return how it ended, and every text that went out."""
        store = open_store(self.address)
        village = village_on(store, folder)
        village.are_books_true()
        live(village, folder)
        assert_all_was_sent(village, folder)
        village.are_books_true()
        ended = ending(village)
        repeat(village)
        assert ending(village)["journals"] == ended["journals"]
        village.are_books_true()
        store.close()
        return ended, texts(folder)


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Return a place in each kind of database."""
    if request.param == "sqlite":
        yield Place(str(tmp_path / "books.db"), tmp_path)
        return
    address = request.getfixturevalue("migrated_postgres")
    yield Place(address, tmp_path)
    private_postgres.empty(address, METADATA)


def sent(folder: Path) -> list[tuple[str, ...]]:
    """Return all that went out of a village."""
    return Post(folder / "sent").noted()


def texts(folder: Path) -> set[tuple[str, ...]]:
    return {words for words in sent(folder) if words[0] == "text"}


def assert_all_was_sent(village: Village, folder: Path) -> None:
    """Hold what went out against what is stored: each text, and the newest order of each meter."""
    went_out = sent(folder)
    with village.store.read() as uow:
        wanted = {(item.id, item.to, item.body) for item in uow.outbox.page(limit=500) if item.kind == "sms"}
        desired = {twin.meter_id: twin.desired for twin in uow.twins.due(START + timedelta(days=99), 99)}
    assert {words[1:] for words in went_out if words[0] == "text"} == wanted
    for meter_id, told in desired.items():
        assert told is not None
        assert ("order", meter_id, str(told.revision), str(told.supply.on)) in went_out


def repeat(village: Village) -> None:
    """Let everything be told and asked for once more: it is known, or refused."""
    for _, step in STORY:
        with suppress(MicrogridError):
            step(village)


def never_killed(store: AnyStore, folder: Path) -> dict[str, Any]:
    """Return how the story ends without any process that is killed."""
    folder.mkdir()
    village = village_on(store, folder)
    found(village)
    live(village, folder)
    return ending(village)


def check(place: Place, step: int) -> None:
    """Kill a process at each boundary, or at one in so many, and hold every end against that of no killing."""
    expected = never_killed(MemoryStore(), place.folder / "memory")
    folder, ended = place.until(0, "")
    assert ended == 0
    commits = int((folder / "commits").read_text(encoding="utf-8"))
    assert commits > len(STORY)
    assert place.rest(folder) == (expected, told := texts(folder))
    boundaries = [(number, how) for number in range(1, commits + 1) for how in ("before", "after")]
    for number, how in boundaries[step // 2 :: step]:
        folder, ended = place.until(number, how)
        assert ended == -signal.SIGKILL
        assert place.rest(folder) == (expected, told), f"killed {how} commit {number}"


def test_a_process_killed_at_a_commit_and_another_that_goes_on(place: Place) -> None:
    check(place, EACH)


@pytest.mark.long
def test_a_process_killed_at_every_commit_and_another_that_goes_on(place: Place) -> None:
    check(place, 1)
