"""The laws of the books as questions to a database, each over all rows at once; both databases read the same text."""

# ruff: noqa: S608 - every text here is fixed, and nothing in it comes from anybody

from __future__ import annotations

from microgrid.billing.ledger import CHART
from microgrid.store.sql_session import Session

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
}

# Asked for one row, PostgreSQL plans for finding one at once; here there is almost never any, and all are read.
FIRST_OF = "WITH found AS MATERIALIZED ({}) SELECT * FROM found LIMIT 1"

COUNTS = ("SELECT COUNT(*) FROM journals", "SELECT COUNT(*) FROM entries", "SELECT COUNT(*) FROM payments")


def first_in_sql(session: Session) -> dict[str, Offender]:
    """Return, by code, the first row that breaks a law."""
    if session.texts.is_postgres:
        session.cursor.execute("SET LOCAL work_mem = '128MB'")  # sums of all journals at once need room
    found = ((code, session.row(FIRST_OF.format(question))) for code, question in FIRST.items())
    return {code: tuple(row) for code, row in found if row is not None}


def counted_in_sql(session: Session) -> tuple[int, int, int]:
    """Return the numbers of journals, lines and payments."""
    journals, lines, payments = (int(session.row(question)[0]) for question in COUNTS)
    return journals, lines, payments
