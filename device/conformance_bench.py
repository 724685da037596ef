"""The bench behind a meter: who lets it have a load and lose its power, and sees whether its relay is closed.

A bench is told one line at a time and answers `open`, `closed` (the relay, as the bench sees it) or `cannot`:

    WATTS SECONDS   put a load behind the relay and let so much time pass; 0 0 only looks
    cut             take the meter's power away, and give it back
    forget          the same, with an empty memory
    weld, free      let the relay stick closed, and let it go
    type DIGITS     press digits on the keypad
"""

from __future__ import annotations

import os
import select
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

ANSWERS = ("open", "closed", "cannot")
LONGEST_S = 600.0  # a program that is silent for so long has stopped
LONGEST_LINE = 1000


class BenchError(Exception):
    """The bench has ended, or says what is no answer; the text says what it said."""


class Bench(Protocol):
    """Who does what a line says, and sees the relay."""

    def do(self, line: str) -> str:
        """Do what a line says, and return `open`, `closed` or `cannot`."""
        ...


class NoBench:
    """Nobody stands behind the meter."""

    def do(self, line: str) -> str:  # noqa: ARG002 - whatever it says
        """Do nothing."""
        return "cannot"


class ProgramBench:
    """A program: it greets with the relay's state when it is ready, and then answers each line with it."""

    def __init__(self, words: Sequence[str], folder: Path | None = None) -> None:
        self.words = tuple(words)
        try:
            self._program = subprocess.Popen(  # noqa: S603 - a command of whoever tests
                self.words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder
            )
        except OSError as error:
            raise BenchError(f"the bench {self.words[0]} does not start ({error})") from None
        self._read = b""

    def greet(self) -> str:
        """Wait until the bench is ready, and return what it says."""
        return self._answer()

    def do(self, line: str) -> str:
        """Do what a line says, and return `open`, `closed` or `cannot`."""
        assert self._program.stdin is not None
        try:
            self._program.stdin.write(f"{line}\n".encode())
            self._program.stdin.flush()
        except OSError:
            raise self._ended() from None
        return self._answer()

    def end(self) -> None:
        """Stop the program."""
        self._program.kill()
        self._program.wait()
        for pipe in (self._program.stdin, self._program.stdout):
            if pipe is not None:
                pipe.close()

    def _answer(self) -> str:
        assert self._program.stdout is not None
        while b"\n" not in self._read and len(self._read) < LONGEST_LINE:
            readable, _, _ = select.select([self._program.stdout], [], [], LONGEST_S)
            more = os.read(self._program.stdout.fileno(), 4096) if readable else b""
            if not more:
                raise self._ended()
            self._read += more
        said, _, self._read = self._read.partition(b"\n")
        answer = said.decode(errors="replace").strip()
        if answer not in ANSWERS:
            raise BenchError(f"the bench said {answer[:60]!r}, and not one of {', '.join(ANSWERS)}")
        return answer

    def _ended(self) -> BenchError:
        code = self._program.poll()
        how = "says nothing any more" if code is None else f"ended with {code}"
        return BenchError(f"the bench {' '.join(self.words)[:120]} {how}")


class PersonBench:
    """A person with a load and a switch; `ask` shows what is to be done and returns what was typed."""

    def __init__(self, ask: Callable[[str], str]) -> None:
        self._ask = ask

    def do(self, line: str) -> str:
        """Ask until the answer is one of three."""
        answer = ""
        while answer not in ANSWERS:
            answer = self._ask(f"{_wish(line)}; then write open, closed (the relay) or cannot").strip().lower()
        return answer


def _wish(line: str) -> str:
    """Return a line of the bench as a person is asked for it."""
    verb, _, rest = line.partition(" ")
    wishes = {
        "cut": "take the meter's power away and give it back",
        "forget": "take the meter's power away, empty its memory, and give the power back",
        "weld": "bridge the relay, so that it stays closed",
        "free": "take the bridge from the relay",
        "type": f"type {rest} on the keypad",
    }
    if verb in wishes:
        return wishes[verb]
    power_w, seconds = verb, rest
    return "look at the relay" if seconds == "0" else f"put a load of {power_w} W on the meter and wait {seconds} s"
