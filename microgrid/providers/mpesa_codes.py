"""M-Pesa's result and error codes as data: what each means and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping

from microgrid.providers.payment_facts import UNKNOWN_CODE, ResultCode

STK_RESULTS: Mapping[str, ResultCode] = {
    "0": ResultCode("paid", "post"),
    "1": ResultCode("not enough money on the customer's account", "tell_customer"),
    "2": ResultCode("the amount is under the provider's minimum", "tell_customer"),
    "3": ResultCode("the amount is over the provider's maximum", "tell_customer"),
    "4": ResultCode("the amount is over the customer's limit for the day", "tell_customer"),
    "8": ResultCode("our account at the provider is over its limit", "tell_customer"),
    "17": ResultCode("the same customer paid the same amount within two minutes", "enquire"),
    "1001": ResultCode("the customer has another payment open", "retry_later"),
    "1019": ResultCode("the request expired", "final"),
    "1025": ResultCode("the request could not be sent to the phone", "retry_once"),
    "9999": ResultCode("the request could not be sent to the phone", "retry_once"),
    "1032": ResultCode("the customer cancelled", "final"),
    # The phone may have answered after the provider stopped waiting: this is no proof that nothing was paid.
    "1037": ResultCode("the phone could not be reached, or did not answer in time", "enquire"),
    "2001": ResultCode("the PIN was wrong", "final"),
    "2028": ResultCode("our account may not receive this kind of payment", "fix_configuration"),
    "8006": ResultCode("our credential at the provider is locked", "fix_configuration"),
    "SFC_IC0003": ResultCode("our operator is not known to the provider", "fix_configuration"),
}

REVERSAL_RESULTS: Mapping[str, ResultCode] = {
    "0": ResultCode("reversed", "post"),
    "R000001": ResultCode("it has been reversed before", "enquire"),
    "R000002": ResultCode("the provider knows no payment of this receipt", "final"),
    "1": ResultCode("not enough money on our account", "retry_later"),
    "11": ResultCode("the party to be debited is in a state that forbids it", "fix_configuration"),
    "21": ResultCode("our operator may not reverse", "fix_configuration"),
    "2001": ResultCode("our operator's credential was refused", "fix_configuration"),
    "2006": ResultCode("our account's rules forbid it", "fix_configuration"),
    "2028": ResultCode("our account may not reverse", "fix_configuration"),
    "8006": ResultCode("our credential at the provider is locked", "fix_configuration"),
}

HTTP_ERRORS: Mapping[str, ResultCode] = {
    "400.002.02": ResultCode("a field of the request is wrong", "fix_configuration"),
    "404.001.03": ResultCode("the access token is wrong or has expired", "retry_later"),
    "404.001.01": ResultCode("the provider has no such address", "fix_configuration"),
    "405.001": ResultCode("the provider does not take this method", "fix_configuration"),
    # Three meanings under one code: unknown merchant, wrong credentials, or the customer has another payment open.
    "500.001.1001": ResultCode("unknown merchant, wrong credentials, or the customer is busy", "enquire"),
    "500.003.02": ResultCode("the provider is busy", "retry_later"),
    "500.003.03": ResultCode("our quota at the provider is used up", "retry_later"),
}

# What `TransactionStatus` of a status result says; a word that is not here is not known.
TRANSACTION_STATES: Mapping[str, ResultCode] = {
    "completed": ResultCode("completed", "post"),
    "cancelled": ResultCode("cancelled", "final"),
    "declined": ResultCode("declined", "final"),
    "expired": ResultCode("expired", "final"),
    "failed": ResultCode("failed", "final"),
}


def meaning(table: Mapping[str, ResultCode], code: str) -> ResultCode:
    """Return what a code means; an unknown code says nothing about the money, so it is to be enquired."""
    return table.get(code, UNKNOWN_CODE)
