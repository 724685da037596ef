"""The laws of the books as questions to a database, each over all rows at once; both databases read the same text."""

# ruff: noqa: S608 - every text here is fixed, and nothing in it comes from anybody

from __future__ import annotations

from microgrid.billing.ledger import CHART
from microgrid.store.sql_session import Session
from microgrid.store.verify_closes import CLOSE_QUESTIONS
from microgrid.store.verify_tokens import TOKEN_QUESTIONS

Offender = tuple[object, ...]

CUSTOMERS = "account >= 'customer:' AND account < 'customer;'"  # `;` is the character after `:`
IN_CHART = " OR ".join(f"account = '{name}' OR account >= '{name}:' AND account < '{name};'" for name in CHART)


def _differing(said: str, shown: str, told: str) -> str:
    """Return the question where two lists of (account_id, amount) differ, an account without a row counting 0."""
    return f"""
        SELECT account_id, SUM(shown), SUM(told) FROM (
            SELECT account_id, {said} AS shown, 0 AS told FROM {shown}
            UNION ALL SELECT account_id, 0 AS shown, told FROM ({told}) AS t
        ) AS together GROUP BY account_id HAVING SUM(shown) <> SUM(told) ORDER BY account_id"""


# Who buys energy ahead, by keypad tokens alone, is charged when it is sold: no register says when it is used.
SOLD_AHEAD = """
    SELECT c.account_id FROM twins AS k JOIN fits AS f ON f.meter_id = k.meter_id
    JOIN connections AS c ON c.id = f.connection_id WHERE k.token_only"""

# The revision of a twin's desired supply, which is kept as JSON text.
REVISION = {True: "(t.desired::json ->> 'revision')", False: "json_extract(t.desired, '$.revision')"}

FIRST = {
    "MG-L101": """
        SELECT journal_id, SUM(amount_minor) FROM entries
        GROUP BY journal_id HAVING SUM(amount_minor) <> 0 ORDER BY journal_id""",
    "MG-L102": """
        SELECT journal_id, line FROM entries JOIN journals ON id = journal_id
        WHERE entries.currency <> journals.currency OR entries.posted_at_us <> journals.posted_at_us
        ORDER BY journal_id, line""",
    "MG-L103": """
        SELECT id, COUNT(line) FROM journals LEFT JOIN entries ON journal_id = id
        GROUP BY id HAVING COUNT(line) < 2 ORDER BY id""",
    "MG-L104": """
        SELECT journal_id, line FROM entries LEFT JOIN journals ON id = journal_id
        WHERE id IS NULL ORDER BY journal_id, line""",
    "MG-L105": f"""
        SELECT account FROM (SELECT DISTINCT account FROM entries) AS named WHERE NOT ({IN_CHART}) ORDER BY account""",
    "MG-L106": """
        SELECT currency, SUM(amount_minor) FROM entries
        GROUP BY currency HAVING SUM(amount_minor) <> 0 ORDER BY currency""",
    "MG-L107": """
        SELECT p.id, p.status, COALESCE(p.journal_id, 'none') FROM payments AS p
        LEFT JOIN journals AS j ON j.id = p.journal_id
        WHERE CASE WHEN p.status IN ('pending', 'refused') THEN p.journal_id IS NOT NULL
                   ELSE j.id IS NULL OR j.currency <> p.currency END
        ORDER BY p.id""",
    "MG-L108": """
        SELECT journal_id, COUNT(*) FROM payments WHERE journal_id IS NOT NULL
        GROUP BY journal_id HAVING COUNT(*) > 1 ORDER BY journal_id""",
    "MG-L109": """
        SELECT p.id, p.amount_minor, SUM(e.amount_minor) FROM payments AS p
        JOIN entries AS e ON e.journal_id = p.journal_id WHERE e.amount_minor > 0
        GROUP BY p.id, p.amount_minor HAVING SUM(e.amount_minor) <> p.amount_minor ORDER BY p.id""",
    "MG-L110": _differing(
        "balance_minor",
        "credits",
        f"SELECT SUBSTR(account, 10) AS account_id, -amount_minor AS told FROM entries WHERE {CUSTOMERS}",
    ),
    "MG-L111": _differing(
        "charged_minor",
        "credits",
        f"""SELECT SUBSTR(account, 10) AS account_id, amount_minor AS told FROM entries
            JOIN journals AS j ON j.id = journal_id LEFT JOIN journals AS r ON r.id = j.reverses
            WHERE {CUSTOMERS} AND (j.kind = 'charge' OR r.kind = 'charge')""",
    ),
    "MG-L112": _differing("accrued_micro", "credits", "SELECT account_id, accrued_micro AS told FROM charge_days"),
    "MG-L113": f"""
        SELECT named.account, named.currency, s.currency
        FROM (SELECT DISTINCT account, currency FROM entries WHERE {CUSTOMERS}) AS named
        JOIN accounts AS a ON a.id = SUBSTR(named.account, 10) JOIN sites AS s ON s.id = a.site_id
        WHERE s.currency <> named.currency ORDER BY named.account, named.currency""",
    "MG-L114": """
        SELECT id, reverses, account, SUM(amount_minor) FROM (
            SELECT j.id, j.reverses, e.account, e.amount_minor FROM journals AS j
            JOIN entries AS e ON e.journal_id = j.id WHERE j.reverses IS NOT NULL
            UNION ALL
            SELECT j.id, j.reverses, e.account, e.amount_minor FROM journals AS j
            JOIN entries AS e ON e.journal_id = j.reverses WHERE j.reverses IS NOT NULL
        ) AS together GROUP BY id, reverses, account HAVING SUM(amount_minor) <> 0 ORDER BY id, account""",
    "MG-L115": """
        SELECT reverses, COUNT(*) FROM journals WHERE reverses IS NOT NULL
        GROUP BY reverses HAVING COUNT(*) > 1 ORDER BY reverses""",
    "MG-L117": """
        SELECT agent_id, SUM(shown), SUM(told) FROM (
            SELECT SUBSTR(e.account, 13) AS agent_id, e.amount_minor AS shown, 0 AS told FROM entries AS e
            JOIN journals AS j ON j.id = e.journal_id LEFT JOIN journals AS r ON r.id = j.reverses
            WHERE e.account >= 'agent_float:' AND e.account < 'agent_float;'
            AND j.kind <> 'shortage' AND COALESCE(r.kind, '') <> 'shortage'
            UNION ALL
            SELECT shortcode, 0, amount_minor FROM payments
            WHERE provider = 'cash' AND shortcode <> 'office' AND status IN ('posted', 'suspense', 'refunding')
            UNION ALL
            SELECT agent_id, 0, -amount_minor FROM handovers WHERE agreed_at_us IS NOT NULL AND source = 'float'
        ) AS together GROUP BY agent_id HAVING SUM(shown) <> SUM(told) ORDER BY agent_id""",
    "MG-L118": """
        SELECT id, expected, moved FROM (
            SELECT h.id, CASE WHEN h.agreed_at_us IS NULL THEN 0 ELSE h.amount_minor END AS expected,
                   COALESCE(SUM(e.amount_minor), 0) AS moved
            FROM handovers AS h LEFT JOIN entries AS e
            ON e.journal_id = 'handover:' || h.id AND e.account = 'cash:office'
            GROUP BY h.id, h.agreed_at_us, h.amount_minor
        ) AS counted WHERE expected <> moved ORDER BY id""",
    "MG-L119": """
        SELECT p.id, p.status FROM payments AS p LEFT JOIN sightings AS s ON s.payment_id = p.id
        WHERE s.id IS NULL ORDER BY p.id""",
    "MG-L120": """
        SELECT t.meter_id, $REVISION FROM twins AS t
        LEFT JOIN decisions AS d ON d.id = t.meter_id || ':' || $REVISION
        WHERE t.desired IS NOT NULL AND d.id IS NULL ORDER BY t.meter_id""",
    "MG-L121": f"""
        WITH marks AS (
            SELECT id AS fit_id, 0 AS step, fitted_at_us AS at_us, 0 AS seq, first_register_wh AS register_wh FROM fits
            UNION ALL
            SELECT f.id, 1, r.at_us, r.seq, r.register_wh FROM fits AS f
            JOIN readings AS r ON r.meter_id = f.meter_id AND r.epoch = f.epoch
            WHERE r.at_us >= f.fitted_at_us AND (f.removed_at_us IS NULL OR r.at_us <= f.removed_at_us)
            UNION ALL
            SELECT id, 2, removed_at_us, 0, last_register_wh FROM fits WHERE last_register_wh IS NOT NULL
        ), steps AS (
            SELECT fit_id, register_wh
                   - LAG(register_wh) OVER (PARTITION BY fit_id ORDER BY step, at_us, seq) AS rise_wh FROM marks
        )
        SELECT account_id, SUM(shown), SUM(told) FROM (
            SELECT account_id, used_wh AS shown, 0 AS told FROM charge_days
            UNION ALL
            SELECT c.account_id, 0, s.rise_wh FROM steps AS s JOIN fits AS f ON f.id = s.fit_id
            JOIN connections AS c ON c.id = f.connection_id WHERE s.rise_wh > 0
        ) AS together WHERE account_id NOT IN ({SOLD_AHEAD})
        GROUP BY account_id HAVING SUM(shown) <> SUM(told) ORDER BY account_id""",
    "MG-L122": """
        SELECT account, currency, shown, told FROM (
            SELECT account, currency, at_us, shown,
                   SUM(moved) OVER (PARTITION BY account, currency ORDER BY at_us, is_line) AS told
            FROM (
                SELECT account, currency, until_us AS at_us, 0 AS is_line, balance_minor AS shown, 0 AS moved
                FROM balance_days
                UNION ALL
                SELECT e.account, e.currency, e.posted_at_us, 1, NULL, SUM(e.amount_minor) FROM entries AS e
                WHERE e.account IN (SELECT account FROM balance_days) GROUP BY e.account, e.currency, e.posted_at_us
            ) AS together
        ) AS running WHERE shown IS NOT NULL AND shown <> told ORDER BY account, currency, at_us""",
    **TOKEN_QUESTIONS,
    **CLOSE_QUESTIONS,
}

# Asked for one row, PostgreSQL plans for finding one at once; here there is almost never any, and all are read.
FIRST_OF = "WITH found AS MATERIALIZED ({}) SELECT * FROM found LIMIT 1"

COUNTS = ("SELECT COUNT(*) FROM journals", "SELECT COUNT(*) FROM entries", "SELECT COUNT(*) FROM payments")


def first_in_sql(session: Session) -> dict[str, Offender]:
    """Return, by code, the first row that breaks a law."""
    if session.texts.is_postgres:
        session.cursor.execute("SET LOCAL work_mem = '128MB'")  # sums of all journals at once need room
    revision = REVISION[session.texts.is_postgres]
    asked = {code: FIRST_OF.format(question).replace("$REVISION", revision) for code, question in FIRST.items()}
    found = ((code, session.row(question)) for code, question in asked.items())
    return {code: tuple(row) for code, row in found if row is not None}


def counted_in_sql(session: Session) -> tuple[int, int, int]:
    """Return the numbers of journals, lines and payments."""
    journals, lines, payments = (int(session.row(question)[0]) for question in COUNTS)
    return journals, lines, payments
