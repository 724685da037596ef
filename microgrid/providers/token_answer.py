"""The access token, which all three wallets hand out in the same form."""

from __future__ import annotations

from datetime import datetime, timedelta

from microgrid.providers.payment_facts import AccessToken, HttpAnswer, Unreadable
from microgrid.providers.wire_text import json_object, text_of

MARGIN_S = 20  # stop using a token before it ends, so that none expires on the way; Airtel's live for 180 s


def read_access_token(answer: HttpAnswer, asked_at: datetime) -> AccessToken | Unreadable:
    """Return the token of an answer; its life, sent as text or number, is counted from when we asked."""
    body = json_object(answer.body)
    if isinstance(body, Unreadable):
        return Unreadable(f"no access token came: HTTP {answer.status}; {body.reason}")
    token, life = text_of(body.get("access_token")), text_of(body.get("expires_in"))
    if answer.status != 200 or not token or not (life.isascii() and life.isdigit() and len(life) < 7):
        keys = ("errorCode", "errorMessage", "error", "error_description", "message")
        said = " ".join(word for key in keys if (word := text_of(body.get(key))))
        return Unreadable(f"no access token came: HTTP {answer.status}; {said or 'no reason given'}")
    return AccessToken(token, asked_at + timedelta(seconds=max(0, int(life) - MARGIN_S)))
