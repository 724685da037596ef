"""The certificate of a meter: for programs as plain fields, for people as one page without scripts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from device.conformance import Outcome, Verdict, conforms
from device.conformance_session import Entry, Session, words_of
from device.messages import KIND_OF, Link
from device.wording import in_words

PROTOCOL = "device protocol 1"
LAST_MESSAGES = 12  # of a check that failed: what came before is not what it failed by

STYLE = """
:root { color-scheme: light; font: 15px/1.5 system-ui, sans-serif; color: #1b2733; background: #fff; }
body { max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0 0 .3rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: 1rem 0; }
dt { color: #5a6876; } dd { margin: 0; }
table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; vertical-align: top; padding: .35rem .6rem .35rem 0; border-bottom: 1px solid #dde3e8; }
.number, .verdict { white-space: nowrap; }
.failed { color: #a4161a; font-weight: 600; } .passed { color: #1b6e3c; }
.cannot, .untried { color: #6b5900; } .why { display: block; color: #5a6876; }
.bytes { font: 12px/1.45 ui-monospace, monospace; overflow-wrap: anywhere; }
@media print { body { margin: 0; } tr { break-inside: avoid; } }
"""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a meter was put through, when, on what bench, and what became of it."""

    session: Session
    outcomes: Sequence[Outcome]
    bench: str
    at: str

    @property
    def is_conforming(self) -> bool:
        """Return whether nothing has failed."""
        return conforms(self.outcomes)

    @property
    def sentence(self) -> str:
        """Return the result in a sentence."""
        profile, counts = self.session.profile, self.counts
        if not self.is_conforming:
            share = f"{counts['failed']} of {sum(counts.values())} checks failed"
            return f"Does not conform to {PROTOCOL}, profile {profile}: {share}"
        untried = counts["not tried"]
        limits = f", as far as tried ({untried} not tried)" if untried else ""
        return f"Conforms to {PROTOCOL}, profile {profile}{limits}"

    @property
    def counts(self) -> dict[str, int]:
        """Return how many checks had each outcome."""
        counted = Counter(outcome.verdict for outcome in self.outcomes)
        return {verdict.value: counted[verdict] for verdict in Verdict}


def document(certificate: Certificate) -> dict[str, object]:
    """Return the certificate as plain fields."""
    session = certificate.session
    plate = session.identity.plate
    return {
        "protocol": PROTOCOL,
        "profile": session.profile,
        "meter": plate.meter,
        "site": plate.site,
        "tested_at": certificate.at,
        "bench": certificate.bench,
        "link": None if session.link is None else in_words(session.link),
        "conforms": certificate.is_conforming,
        "sentence": certificate.sentence,
        "counts": certificate.counts,
        "checks": [_check(session, outcome) for outcome in certificate.outcomes],
    }


def page(certificate: Certificate) -> str:
    """Return the certificate as a page (HTML)."""
    plate, failed = certificate.session.identity.plate, _failed(certificate)
    title = f"Certificate of meter {plate.meter}"
    facts = {
        "meter": f"{plate.meter}, site {plate.site}",
        "tested": certificate.at,
        "says it can": _abilities(certificate.session.link),
        "bench": certificate.bench,
        "checks": ", ".join(f"{count} {verdict}" for verdict, count in certificate.counts.items() if count),
    }
    verdict = "passed" if certificate.is_conforming else "failed"
    return "\n".join(
        (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>",
            f'<h1>{escape(title)}</h1>\n<p class="{verdict}">{escape(certificate.sentence)}</p>',
            "<dl>",
            *(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts.items()),
            "</dl>\n<h2>Checks</h2>\n<table>\n<tbody>",
            *(_row(outcome) for outcome in certificate.outcomes),
            "</tbody>\n</table>",
            *failed,
            "</body>\n</html>\n",
        )
    )


def _check(session: Session, outcome: Outcome) -> dict[str, object]:
    found: dict[str, object] = {
        "number": outcome.check.number,
        "requires": outcome.check.requires,
        "verdict": outcome.verdict.value,
    }
    if outcome.why:
        found["why"] = outcome.why
    if outcome.verdict is Verdict.FAILED:
        found["expected"] = [_told(entry) for entry in _expected(session, outcome)]
        found["messages"] = [_told(entry) for entry in outcome.trail[-LAST_MESSAGES:]]
    return found


def _expected(session: Session, outcome: Outcome) -> list[Entry]:
    """Return the messages that should have come, as the bytes they should have had."""
    return [
        Entry(is_ours=False, kind=KIND_OF[type(message)], body=session.bytes_of(message), what=words_of(message))
        for message in outcome.expected
    ]


def _told(entry: Entry) -> dict[str, object]:
    whose = "tester" if entry.is_ours else "meter"
    return {"from": whose, "kind": entry.kind, "bytes": entry.body.hex(), "means": entry.what}


def _abilities(link: Link | None) -> str:
    if link is None:
        return "nothing: it was not heard"
    words = in_words(link)["can"]
    return f"{', '.join(words) if isinstance(words, list) else ''}; firmware {link.firmware}"


def _row(outcome: Outcome) -> str:
    verdict = outcome.verdict.value
    css = "untried" if outcome.verdict is Verdict.NOT_TRIED else verdict
    why = f'<span class="why">{escape(outcome.why)}</span>' if outcome.why else ""
    return (
        f'<tr><td class="number">{outcome.check.number}</td><td>{escape(outcome.check.requires)}{why}</td>'
        f'<td class="verdict {css}">{verdict}</td></tr>'
    )


def _failed(certificate: Certificate) -> Iterable[str]:
    for outcome in certificate.outcomes:
        if outcome.verdict is not Verdict.FAILED:
            continue
        yield f"<h2>{outcome.check.number} failed: what was expected, and what went over the line</h2>"
        yield f"<p>{escape(outcome.why)}</p>\n<table>\n<tbody>"
        for entry in _expected(certificate.session, outcome):
            yield _line("expected", entry)
        for entry in outcome.trail[-LAST_MESSAGES:]:
            yield _line("to the meter" if entry.is_ours else "from the meter", entry)
        yield "</tbody>\n</table>"


def _line(whose: str, entry: Entry) -> str:
    return (
        f'<tr><td class="number">{whose}<br>{escape(entry.kind)}</td>'
        f'<td>{escape(entry.what)}<div class="bytes">{entry.body.hex() or "(no bytes)"}</div></td></tr>'
    )
