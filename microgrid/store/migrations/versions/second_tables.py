"""Approvals, and an outbox whose kinds do not wait for each other."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from microgrid.customers.people import words
from microgrid.customers.phones import hash_of, kind_of, tail_of
from microgrid.store.migrations.writing import add_column, index, table

revision = "0002"
down_revision = "0001"

SEALED = "the audit log is never changed: write another row instead"


def upgrade() -> None:
    """Make what came after the first tables."""
    _people()
    _spellings()
    _readings()
    _control()
    _trail()
    _decisions()
    _agents()
    _balances()
    _post()
    _money_in()
    _subscribers()
    _enablings()
    _tokens()
    _reconciliation()
    _leases()
    _meters()
    _devices()


def _people() -> None:
    table(
        "phones",
        "id text, customer_id text, number text, kind text, hash text, tail text, added_at_us whole, "
        "ended_at_us whole?",
        key="id",
    )
    for field in ("customer_id", "number", "hash", "tail"):
        index(f"phones_by_{field}", "phones", field)
    table("name_words", "id text, word text, customer_id text", key="id")
    index("name_words_by_word", "name_words", "word")
    index("name_words_by_customer_id", "name_words", "customer_id")
    table("feeders", "id text, site_id text, name text, power_limit_w whole?", key="id")
    index("feeders_by_site_id", "feeders", "site_id")
    _find_older_customers()
    add_column("sites", "kind text", "'grid'")
    add_column("sites", "backdating_days_max whole", "45")
    add_column("meters", "rated_w whole?")
    for described in ("feeder_id text?", "tier whole?", "latitude_microdeg whole?", "longitude_microdeg whole?"):
        add_column("connections", described)
    add_column("connections", "customer_class text", "'household'")
    add_column("connections", "connected_on text?")


def _find_older_customers() -> None:
    """Let customers that are there be found by the words of their names and by their numbers."""
    connection = op.get_bind()
    word = sa.text("INSERT INTO name_words (id, word, customer_id) VALUES (:id, :word, :customer)")
    names = "id, customer_id, number, kind, hash, tail, added_at_us"
    phone = sa.text(f"INSERT INTO phones ({names}) VALUES (:id, :customer, :number, 'e164', :hash, :tail, 0)")  # noqa: S608
    for key, name, number in connection.execute(sa.text("SELECT id, name, phone FROM customers")).all():
        for each in words(name):
            connection.execute(word, {"id": f"{each}/{key}", "word": each, "customer": key})
        if number is not None and kind_of(number) == "e164":
            told = {"number": number, "hash": hash_of(number), "tail": tail_of(number)}
            connection.execute(phone, {"id": f"{key}:{number}", "customer": key, **told})


def _spellings() -> None:
    """Spell the names that are there as `customers.references.spelling` does."""
    spelt = "replace(replace(replace(id, '-', ''), 'O', '0'), 'I', '1')"
    for name in ("accounts", "meters"):
        add_column(name, "spelling text", "''")
        op.execute(f"UPDATE {name} SET spelling = {spelt}")  # noqa: S608 - fixed texts
        index(f"{name}_by_spelling", name, "spelling")


def _readings() -> None:
    table(
        "asides",
        "id text, meter_id text, reading text, code text, reason text, at_us whole, actor text, taken_at_us whole?",
        key="id",
    )
    index("asides_by_meter_id", "asides", "meter_id")
    add_column("raw_events", "repeats whole", "0")


def _control() -> None:
    table(
        "approvals",
        "id text, action text, subject text, request text, note text, asked_by text, asked_at_us whole, "
        "decided_by text, decided_at_us whole?, granted truth?",
        key="id",
    )
    index("approvals_by_subject", "approvals", "subject")
    index("approvals_by_granted", "approvals", "granted")


def _trail() -> None:
    add_column("audit", "number whole?")
    add_column("audit", "seal text", filled_with="''")
    index("audit_unsealed", "audit", "at_us id", only="number IS NULL")
    index("audit_by_number", "audit", "number", only="number IS NOT NULL", unique=True)
    table("chain_heads", "id text, number whole, seal text", key="id")
    if op.get_bind().dialect.name == "postgresql":
        refusing = f"BEGIN RAISE EXCEPTION '{SEALED}'; END"
        op.execute(f"CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $${refusing}$$")
        doing = "EXECUTE FUNCTION refuse_audit_change()"
        sealed = f"BEFORE UPDATE ON audit FOR EACH ROW WHEN (OLD.number IS NOT NULL) {doing}"
        op.execute(f"CREATE TRIGGER audit_sealed_rows_are_final {sealed}")
        op.execute(f"CREATE TRIGGER audit_is_kept BEFORE DELETE OR TRUNCATE ON audit FOR EACH STATEMENT {doing}")
    else:
        refusing = f"BEGIN SELECT RAISE(ABORT, '{SEALED}'); END"
        sealed = f"BEFORE UPDATE ON audit WHEN OLD.number IS NOT NULL {refusing}"
        op.execute(f"CREATE TRIGGER audit_sealed_rows_are_final {sealed}")
        op.execute(f"CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit {refusing}")


def _decisions() -> None:
    table(
        "decisions",
        "id text, meter_id text, revision whole, decided_at_us whole, inputs text",
        key="id",
        clustered=False,
    )
    add_column("credits", "line_micro whole?")
    add_column("credits", "line_at_us whole?")


def _agents() -> None:
    table(
        "agents",
        "id text, name text, phone text?, site_id text, float_limit_minor whole, closed_at_us whole?",
        key="id",
    )
    index("agents_by_site_id", "agents", "site_id")
    table(
        "handovers",
        "id text, agent_id text, amount_minor whole, currency text, source text, offered_by text, "
        "offered_at_us whole, agreed_by text, agreed_at_us whole?, withdrawn_by text, withdrawn_at_us whole?",
        key="id",
    )
    index("handovers_by_agent_id", "handovers", "agent_id")


def _balances() -> None:
    table(
        "balance_days",
        "account text, until_us whole, currency text, balance_minor whole",
        key="account until_us currency",
    )


def _post() -> None:
    op.drop_index("outbox_by_due_at", "outbox")
    index("outbox_by_due_at", "outbox", "kind due_at_us", only="done_at_us IS NULL")


def _enablings() -> None:
    table("enablings", "id text, connection_id text, at_us whole, enabled truth", key="id")
    index("enablings_by_connection_id", "enablings", "connection_id")


def _subscribers() -> None:
    table(
        "subscribers",
        "id text, url text, sealed_secret octets, events text, site_id text, created_at_us whole, created_by text, "
        "ended_at_us whole?, ended_by text",
        key="id",
    )
    index("subscribers_by_ended_by", "subscribers", "ended_by")


def _money_in() -> None:
    table(
        "sightings",
        "id text, payment_id text, channel text, raw_event_id text, seen_at_us whole",
        key="id",
    )
    index("sightings_by_payment_id", "sightings", "payment_id")
    table(
        "pushes",
        "id text, provider text, shortcode text, account_id text, phone text, amount_minor whole, currency text, "
        "reference text, asked_at_us whole, asked_by text, state text, request_id text, payment_id text, reason text",
        key="id",
    )
    index("pushes_by_account_id", "pushes", "account_id")
    index("pushes_by_request_id", "pushes", "request_id")
    table(
        "alarms",
        "id text, subject text, what text, raised_at_us whole, settled_at_us whole?, settled_by text, note text",
        key="id",
    )
    index("alarms_by_subject", "alarms", "subject")
    index("alarms_by_settled_by", "alarms", "settled_by")


def _tokens() -> None:
    add_column("credits", "takes_tokens truth", "FALSE")
    add_column("twins", "token_count whole", "0")
    add_column("twins", "token_only truth", "FALSE")
    table(
        "token_devices",
        "id text, sealed octets, divider whole, restricted truth, extended truth, count whole, typed_count whole, "
        "outstanding text, registered_at_us whole",
        key="id",
    )
    table(
        "tokens",
        "id text, serial text, count whole, kind text, value whole, unit text, digits text, source text, "
        "issued_at_us whole, actor text, note text, assumed_typed_at_us whole?",
        key="id",
    )
    index("tokens_by_serial", "tokens", "serial")
    index("tokens_by_source", "tokens", "source")


def _reconciliation() -> None:
    table(
        "statement_rows",
        "id text, day text, movement text, about text, receipt text, linked_receipt text, amount_minor whole, "
        "currency text, at_us whole, counts_at_us whole, balance_minor whole?, details text, file_id text, line whole, "
        "taken_at_us whole",
        key="id",
    )
    index("statement_rows_by_day", "statement_rows", "day")
    index("statement_rows_by_movement", "statement_rows", "movement")
    table(
        "differences",
        "id text, account text, state text, kind text, about text, receipt text, at_us whole, ledger_minor whole?, "
        "told_minor text, statement_minor whole?, what_to_do text, owner text, behind text, found_at_us whole, "
        "closed_at_us whole?, closed_by text, note text",
        key="id",
    )
    index("differences_by_account", "differences", "account")
    index("differences_by_state", "differences", "state")
    table(
        "month_closes",
        "id text, account text, currency text, timezone text, start_us whole, end_us whole, opening_minor whole, "
        "closing_minor whole, statement_minor whole, matched whole, books_until_us whole, closed_at_us whole, "
        "closed_by text",
        key="id",
    )
    index("month_closes_by_account", "month_closes", "account")
    table("refunds", "id text, state text, listed_at_us whole, closed_at_us whole?", key="id")
    index("refunds_by_state", "refunds", "state")


def _leases() -> None:
    add_column("plans", "instalment_share_ppm whole", "1000000")
    add_column("plans", "class_taxes text", "'[]'")
    add_column("credits", "warned_at_us whole?")
    add_column("credits", "instalments_due_minor whole", "0")
    table("plan_proposals", "id text, plan_id text, plan text", key="id")
    index("plan_proposals_by_plan_id", "plan_proposals", "plan_id")
    table(
        "contracts",
        "id text, account_id text, plan text, terms text, tax text, started_on text, signed_at_us whole, device text?, "
        "state text, deposit_paid_minor whole, fallen_due whole, paid_minor whole, waived_minor whole, "
        "written_off_minor whole, bookings whole, payoff_booking whole, "
        "days_given whole, lasts_until_us whole?, unlocked_at_us whole?, written_off_at_us whole?",
        key="id",
    )
    for field in ("account_id", "device", "state"):
        index(f"contracts_by_{field}", "contracts", field)
    table("site_states", "id text, policy text, shed_level whole, outage_ended_at_us whole?", key="id")
    table(
        "outages",
        "id text, site_id text, from_at_us whole, to_at_us whole?, feeder_id text, cause text",
        key="id",
    )
    index("outages_by_site_id", "outages", "site_id")


def _meters() -> None:
    add_column("twins", "hurried whole", "0")
    table(
        "meter_keys",
        "id text, site_id text, sealed octets, sign_with whole, tag_bytes whole, mqtt_user text, issued_at_us whole, "
        "changed_at_us whole, revoked_at_us whole?, awaits_fresh truth",
        key="id",
    )
    index("meter_keys_by_site_id", "meter_keys", "site_id")
    table(
        "meter_epochs",
        "id text, meter_id text, number whole, wire_epoch whole, first_heard_at_us whole",
        key="id",
    )
    index("meter_epochs_by_meter_id", "meter_epochs", "meter_id")
    table(
        "contacts",
        "id text, heard_at_us whole, here truth, boot whole, birth whole, firmware whole, capabilities whole, "
        "tokens whole, clock_set truth, clock_off_s whole, timed_at_us whole?, wire_epoch whole?, "
        "seen_to whole, missing text, births text, "
        "gateway text",
        key="id",
    )
    table("sendings", "id text, revision whole, sent_at_us whole, times whole", key="id")
    table(
        "meter_events",
        "id text, meter_id text, epoch whole, seq whole, kind text, value whole, at_us whole, received_at_us whole",
        key="id",
    )
    index("meter_events_by_meter_id", "meter_events", "meter_id")
    table(
        "dead_letters",
        "id text, topic text, reason text, body octets, received_at_us whole, repeats whole",
        key="id",
    )
    table("bridge_leases", "id text, holder text, until_us whole", key="id")


def _devices() -> None:
    add_column("meters", "model_id text", "''")
    table("device_models", "id text, profile text, expected_contact_s whole?, unit text, link text", key="id")
    table(
        "broker_users",
        "id text, site_id text, kind text, password_hash text, sealed_password octets, issued_at_us whole, "
        "shown_at_us whole?, revoked_at_us whole?",
        key="id",
    )
    index("broker_users_by_site_id", "broker_users", "site_id")
    table(
        "claims",
        "id text, code_hash text, site_id text, issued_at_us whole, claimed_at_us whole?, claimed_by text",
        key="id",
    )
    index("claims_by_code_hash", "claims", "code_hash")
