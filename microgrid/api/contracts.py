"""Routes for lease contracts: sign, look, pay off early, and ask for one to be given up."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response

from microgrid import leases, views
from microgrid.api import bodies
from microgrid.api.calls import Call, allowed
from microgrid.api.registry import After, Key, Limit, ToKeepCustomers, ToRead
from microgrid.billing.lease_contracts import Signature

router = APIRouter()
State = Annotated[Literal["", "open", "owned", "written_off"], Query()]


class ContractBody(bodies.Body):
    """What a customer signs; the plan is a lease, or one version of it such as home@2."""

    id: bodies.Id
    account_id: bodies.Id
    plan: bodies.Id
    started_on: bodies.Day
    device: bodies.Id | None = None

    def record(self) -> Signature:
        """Return the record."""
        return Signature(self.id, self.account_id, self.plan, self.started_on, self.device)


class WhyBody(bodies.Body):
    """Why it is asked for, for the one who decides."""

    note: bodies.Name


@router.post("/contracts", status_code=201)
def sign(body: ContractBody, call: ToKeepCustomers) -> Response:
    """Begin a contract: its deposit is due at once, its instalments as they fall due."""
    return call.once(body, lambda: leases.sign(call.core, body.record(), call.actor))


@router.get("/contracts")
def list_contracts(call: ToRead, state: State = "", after: After = "", limit: Limit = 100) -> Any:
    """List contracts by id, all or those in one state."""
    return bodies.plain(leases.contracts(call.core, "", state, after, limit))


@router.get("/accounts/{account_id}/contracts")
def list_contracts_of(account_id: Key, call: ToRead, after: After = "", limit: Limit = 100) -> Any:
    """List the contracts of an account by id."""
    return bodies.plain(leases.contracts(call.core, account_id, "", after, limit))


@router.get("/accounts/{account_id}/bills")
def list_bills(account_id: Key, call: ToRead) -> Any:
    """List the monthly bills of a postpaid account, oldest first; other accounts have none."""
    return {"items": bodies.plain(views.bills(call.core, account_id))}


@router.get("/contracts/{contract_id}")
def show_contract(contract_id: Key, call: ToRead) -> Any:
    """Show a contract: what is due, when the next sum is, and what it takes to own the device now."""
    shown = leases.contract(call.core, contract_id)
    return bodies.plain(shown, leases.zone_of(shown))


@router.post("/contracts/{contract_id}/payoff", status_code=201)
def pay_off(contract_id: Key, call: Annotated[Call, allowed("payments")]) -> Response:
    """Pay a contract off from the credit of its account, with the discount for what is not yet due."""
    return call.once(None, lambda: leases.pay_off(call.core, contract_id, call.actor))


@router.post("/contracts/{contract_id}/write-off", status_code=201)
def ask_write_off(contract_id: Key, body: WhyBody, call: Annotated[Call, allowed("approvals")]) -> Response:
    """Ask for a contract to be given up; another person has to agree to it under /approvals."""
    return call.once(body, lambda: leases.ask_write_off(call.core, contract_id, body.note, call.person))
