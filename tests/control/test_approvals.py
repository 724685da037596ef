"""Two people stand for what cannot be taken back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from microgrid import approvals
from microgrid.errors import Contradiction, InvalidInput
from microgrid.kept import Approval
from microgrid.store.memory import MemoryStore

AT = datetime(2026, 3, 2, tzinfo=UTC)
ASKED = Approval("r-1", "refund", "payment:mpesa:1:A", '{"amount_minor":500}', "paid twice", "asha", AT)


def test_another_person_decides_once() -> None:
    store = MemoryStore()
    with store.begin() as uow:
        approvals.ask(uow, ASKED)
        assert approvals.ask(uow, ASKED) == ASKED  # the same again
        with pytest.raises(Contradiction):
            approvals.ask(uow, replace(ASKED, request="{}"))
        with pytest.raises(InvalidInput, match="cannot also agree") as own:
            approvals.decide(uow, "r-1", "asha", AT, granted=True)
        decided = approvals.decide(uow, "r-1", "ben", AT, granted=True)
        assert (decided.decided_by, decided.granted) == ("ben", True)
        assert approvals.decide(uow, "r-1", "ben", AT, granted=True) == decided
        with pytest.raises(InvalidInput, match="was granted by ben") as again:
            approvals.decide(uow, "r-1", "carol", AT, granted=False)
        with pytest.raises(InvalidInput, match="no request 'r-2'"):
            approvals.decide(uow, "r-2", "ben", AT, granted=True)
        assert [row.action for row in uow.audit.where(subject=ASKED.subject)] == ["ask refund", "grant refund"]
    assert own.value.problems[0].code == "MG-A017"
    assert again.value.problems[0].code == "MG-A016"
