"""What every store keeps, by name: both kinds of transactions offer these tables."""

from __future__ import annotations

from microgrid.billing.differences import DifferenceItem
from microgrid.billing.history import History
from microgrid.billing.lease_contracts import LeaseContract
from microgrid.billing.month_close import ClosedMonth
from microgrid.billing.payments import Payment, RefundDue
from microgrid.billing.plans import PlanProposal, PlanVersion
from microgrid.billing.pushes import Push
from microgrid.billing.sightings import Alarm, Sighted
from microgrid.billing.statement_rows import StatementEntry
from microgrid.counts import Counts
from microgrid.customers.agents import Agent, Handover
from microgrid.customers.records import (
    Account,
    Connection,
    Customer,
    Enrolment,
    Feeder,
    Fit,
    Meter,
    NameWord,
    Phone,
    Site,
)
from microgrid.customers.subscribers import Subscriber
from microgrid.home_ports import Homes
from microgrid.kept import Approval, ChainHead, RawEvent
from microgrid.monitoring.readings import Aside
from microgrid.ports import Balances, Credits, Ledger, Outbox, Readings, Table, Trail, Twins
from microgrid.switching.device_records import BrokerUser, Claim, DeviceModel
from microgrid.switching.meter_records import (
    BridgeLease,
    Contact,
    DeadLetter,
    MeterEpoch,
    MeterEvent,
    MeterKeysRow,
    Sending,
)
from microgrid.switching.sites import GridOutage, SiteState
from microgrid.switching.supply import Decision, Enabling
from microgrid.switching.token_records import GivenToken, KeptDevice


class Unit:
    """The tables of a unit of work; `records.TABLES` says which of them are plain."""

    sites: Table[Site]
    customers: Table[Customer]
    phones: Table[Phone]
    name_words: Table[NameWord]
    accounts: Table[Account]
    enrolments: Table[Enrolment]
    feeders: Table[Feeder]
    connections: Table[Connection]
    meters: Table[Meter]
    fits: Table[Fit]
    asides: Table[Aside]
    plans: Table[PlanVersion]
    plan_proposals: Table[PlanProposal]
    contracts: Table[LeaseContract]
    site_states: Table[SiteState]
    outages: Table[GridOutage]
    payments: Table[Payment]
    sightings: Table[Sighted]
    pushes: Table[Push]
    alarms: Table[Alarm]
    raw_events: Table[RawEvent]
    outbox: Outbox
    audit: Trail
    chain_heads: Table[ChainHead]
    agents: Table[Agent]
    handovers: Table[Handover]
    balances: Balances
    approvals: Table[Approval]
    decisions: Table[Decision]
    enablings: Table[Enabling]
    statement_rows: Table[StatementEntry]
    differences: Table[DifferenceItem]
    month_closes: Table[ClosedMonth]
    refunds: Table[RefundDue]
    subscribers: Table[Subscriber]
    counts: Counts
    homes: Homes
    ledger: Ledger
    history: History
    credits: Credits
    readings: Readings
    twins: Twins
    token_devices: Table[KeptDevice]
    tokens: Table[GivenToken]
    meter_keys: Table[MeterKeysRow]
    meter_epochs: Table[MeterEpoch]
    contacts: Table[Contact]
    sendings: Table[Sending]
    meter_events: Table[MeterEvent]
    dead_letters: Table[DeadLetter]
    bridge_leases: Table[BridgeLease]
    device_models: Table[DeviceModel]
    broker_users: Table[BrokerUser]
    claims: Table[Claim]
