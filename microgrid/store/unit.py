"""What every store keeps, by name: both kinds of transactions offer these tables."""

from __future__ import annotations

from microgrid.billing.payments import Payment
from microgrid.billing.plans import PlanVersion
from microgrid.customers.records import Account, Connection, Customer, Enrolment, Fit, Meter, Site
from microgrid.ports import Approval, AuditRow, Credits, Ledger, Outbox, RawEvent, Readings, Table, Twins


class Unit:
    """The tables of a unit of work; `records.TABLES` says which of them are plain."""

    sites: Table[Site]
    customers: Table[Customer]
    accounts: Table[Account]
    enrolments: Table[Enrolment]
    connections: Table[Connection]
    meters: Table[Meter]
    fits: Table[Fit]
    plans: Table[PlanVersion]
    payments: Table[Payment]
    raw_events: Table[RawEvent]
    outbox: Outbox
    audit: Table[AuditRow]
    approvals: Table[Approval]
    ledger: Ledger
    credits: Credits
    readings: Readings
    twins: Twins
