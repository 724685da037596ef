"""The first tables."""

from __future__ import annotations

from alembic import op

from microgrid.store.migrations.writing import index, table

revision = "0001"
down_revision = None

FINAL = ("journals", "entries")  # what is in the books is corrected by its mirror image, never changed
REFUSAL = "the books are never changed: post the mirror image of a journal instead"


def upgrade() -> None:
    """Make the tables, and make the books refuse changes."""
    _people()
    _meters()
    _money()
    _post()
    if op.get_bind().dialect.name == "postgresql":
        _refuse_changes_on_postgres()
    else:
        _refuse_changes_on_sqlite()


def _people() -> None:
    table(
        "sites",
        "id text, name text, timezone text, currency text, exponent whole, fail_policy text",
        key="id",
    )
    table(
        "customers",
        "id text, name text, phone text?, language text",
        key="id",
    )
    index("customers_by_phone", "customers", "phone")
    table(
        "accounts",
        "id text, customer_id text, site_id text, opened_at_us whole, closed_at_us whole?",
        key="id",
    )
    index("accounts_by_customer_id", "accounts", "customer_id")
    index("accounts_by_site_id", "accounts", "site_id")
    table(
        "enrolments",
        "id text, account_id text, plan_id text, from_at_us whole",
        key="id",
    )
    index("enrolments_by_account_id", "enrolments", "account_id")
    index("enrolments_by_plan_id", "enrolments", "plan_id")
    table(
        "connections",
        "id text, account_id text, site_id text, priority text, critical truth, phase whole",
        key="id",
    )
    index("connections_by_account_id", "connections", "account_id")
    index("connections_by_site_id", "connections", "site_id")


def _meters() -> None:
    table(
        "meters",
        "id text, profile text",
        key="id",
    )
    table(
        "fits",
        "id text, meter_id text, connection_id text, epoch whole, fitted_at_us whole, first_register_wh "
        "whole, removed_at_us whole?, last_register_wh whole?",
        key="id",
    )
    index("fits_by_connection_id", "fits", "connection_id")
    index("fits_by_meter_id", "fits", "meter_id")
    table(
        "readings",
        "meter_id text, epoch whole, seq whole, at_us whole, register_wh whole, power_w whole?, voltage_dv whole?",
        key="meter_id epoch seq",
    )
    index("readings_by_time", "readings", "meter_id epoch at_us seq")
    table(
        "twins",
        "meter_id text, desired text?, reported text?, next_send_at_us whole?, attempts whole",
        key="meter_id",
    )
    index("twins_by_next_send_at", "twins", "next_send_at_us")


def _money() -> None:
    table(
        "plans",
        "id text, plan_id text, version whole, effective_from_us whole, currency text, rules text, tax "
        "text, connection_fee_minor whole, warn_below_minor whole",
        key="id",
    )
    index("plans_by_plan_id", "plans", "plan_id")
    table(
        "payments",
        "id text, provider text, shortcode text, receipt text, amount_minor whole, currency text, "
        "paid_at_us whole, received_at_us whole, reference text, payer text, payer_kind text, account_id "
        "text?, status text, journal_id text?",
        key="id",
    )
    index("payments_by_account_id", "payments", "account_id")
    index("payments_by_payer", "payments", "payer")
    index("payments_by_receipt", "payments", "receipt")
    index("payments_by_status", "payments", "status")
    table(
        "journals",
        "id text, kind text, currency text, posted_at_us whole, value_at_us whole, reverses text?, note text",
        key="id",
    )
    index("journals_by_reverses", "journals", "reverses", only="reverses IS NOT NULL")
    table(
        "entries",
        "journal_id text, line whole, account text, currency text, posted_at_us whole, amount_minor whole",
        key="journal_id line",
    )
    index("entries_by_account", "entries", "account posted_at_us journal_id currency amount_minor")
    table(
        "credits",
        "account_id text, balance_minor whole, accrued_micro whole, charged_minor whole, paid_until_us "
        "whole?, low_warned truth, cut_since_us whole?",
        key="account_id",
    )
    index(
        "credits_to_post",
        "credits",
        "account_id",
        only="NOT (accrued_micro BETWEEN charged_minor * 1000000 AND charged_minor * 1000000 + 999999)",
    )
    table(
        "charge_days",
        "account_id text, day text, used_wh whole, free_wh whole, estimated_wh whole, accrued_micro "
        "whole, bought_minor whole, uses text",
        key="account_id day",
    )


def _post() -> None:
    table(
        "raw_events",
        "id text, source text, received_at_us whole, address text, headers text, body octets, outcome text",
        key="id",
        clustered=False,
    )
    table(
        "outbox",
        "id text, kind text, to text, body text, created_at_us whole, due_at_us whole, attempts whole, "
        "done_at_us whole?, last_error text",
        key="id",
    )
    index("outbox_by_due_at", "outbox", "due_at_us", only="done_at_us IS NULL")
    index("outbox_by_kind", "outbox", "kind")
    index("outbox_by_to", "outbox", "to")
    table(
        "audit",
        "id text, at_us whole, actor text, action text, subject text, detail text",
        key="id",
    )
    index("audit_by_subject", "audit", "subject")


def _refuse_changes_on_sqlite() -> None:
    for final in FINAL:
        for change in ("UPDATE", "DELETE"):
            refusing = f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
            op.execute(f"CREATE TRIGGER {final}_refuse_{change.lower()} BEFORE {change} ON {final} {refusing}")


def _refuse_changes_on_postgres() -> None:
    refusing = f"BEGIN RAISE EXCEPTION '{REFUSAL}'; END"
    op.execute(f"CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $${refusing}$$")
    for final in FINAL:
        changes = f"BEFORE UPDATE OR DELETE OR TRUNCATE ON {final}"
        op.execute(f"CREATE TRIGGER {final}_are_final {changes} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()")
