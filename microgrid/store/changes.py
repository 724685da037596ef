"""What an open transaction in memory has changed, and how to take it back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn


class Changes:
    """The undo list of the open transaction, and the accounts it has locked."""

    __slots__ = ("_undo", "_writing", "is_open", "locked")

    def __init__(self) -> None:
        self._undo: list[tuple[Callable[..., None], tuple[Any, ...]]] = []
        self._writing = False
        self.is_open = False
        self.locked: set[str] = set()

    def open(self, *, writing: bool) -> None:
        """Begin a transaction."""
        self.is_open, self._writing = True, writing

    def close(self) -> None:
        """End the transaction, forgetting how to take it back."""
        self._undo.clear()
        self.locked = set()
        self.is_open = self._writing = False

    def mark(self) -> int:
        """Return the present place, for `undo_to`."""
        return len(self._undo)

    def undo_to(self, mark: int) -> None:
        """Take back everything since a place, the last change first."""
        while len(self._undo) > mark:
            take_back, arguments = self._undo.pop()
            take_back(*arguments)

    def note(self, take_back: Callable[..., None], *arguments: object) -> None:
        """Remember how to take back what is about to be changed."""
        self.check_writing()
        self._undo.append((take_back, arguments))

    def check_open(self) -> None:
        """Refuse to look at the store outside a transaction."""
        if not self.is_open:
            refuse_closed(is_open=False)

    def check_writing(self) -> None:
        """Refuse to change anything in a transaction that only reads, or in none."""
        if not self._writing:
            refuse_closed(is_open=self.is_open)

    def check_locked(self, account_id: str) -> None:
        """Refuse to change the hot row of an account that this transaction has not locked."""
        if account_id not in self.locked:
            refuse_unlocked(account_id)


def refuse_closed(*, is_open: bool) -> NoReturn:
    """Say why a statement is not possible now."""
    if is_open:
        raise RuntimeError("this transaction only reads; open one with `begin` to write")
    raise RuntimeError("this transaction is over; what it gave must not be used after its block")


def refuse_unlocked(account_id: str) -> NoReturn:
    """Say that a hot row was not locked before it was changed."""
    raise ValueError(f"account '{account_id}' is not locked by this transaction; lock it before changing it")
