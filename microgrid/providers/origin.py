"""Where a call came from: from the provider's addresses, to our secret path, over a URL the provider accepts."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from microgrid.errors import Problem

# Commonly quoted for M-Pesa; lists differ, so a site's configuration has the last word.
MPESA_ADDRESSES = (
    "196.201.214.200",
    "196.201.214.206",
    "196.201.214.207",
    "196.201.214.208",
    "196.201.213.44",
    "196.201.213.114",
    "196.201.212.69",
    "196.201.212.74",
    "196.201.212.127",
    "196.201.212.129",
    "196.201.212.136",
    "196.201.212.138",
)
# M-Pesa refuses to call addresses in which one of these words occurs, whatever it stands for.
WORDS_REFUSED = ("m-pesa", "mpesa", "safaricom", "exe", "exec", "cmd", "sql", "query")

# The hosts that secrets of a wallet are sent to, the first one unless another is chosen.
WALLET_HOSTS: Mapping[str, tuple[str, ...]] = {
    "mpesa": ("api.safaricom.co.ke", "sandbox.safaricom.co.ke"),
    "momo": ("proxy.momoapi.mtn.com", "sandbox.momodeveloper.mtn.com"),
    "airtel": ("openapi.airtel.africa", "openapiuat.airtel.africa"),
}


def host_problem(provider: str, base_url: str | None) -> str:
    """Return why a wallet's secrets are not sent to an address; empty for a host of its own, or an emulator here."""
    hosts = WALLET_HOSTS.get(provider, ())
    if base_url is None or is_this_machine(base_url):
        return ""
    try:
        parts = urlsplit(base_url)
        known = parts.scheme == "https" and parts.netloc in hosts and not (parts.path or parts.query)
    except ValueError:
        known = False
    return "" if known else f"base_url is no address of {provider}, which are {', '.join(hosts) or 'none'}"


def is_this_machine(url: str) -> bool:
    """Tell whether an address is one of the machine itself: what is said there does not leave it."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def comes_from(address: str, allowed: Iterable[str]) -> bool:
    """Tell whether an address lies in one of the allowed addresses or networks; an unreadable address does not."""
    try:
        source = ipaddress.ip_address(address.strip())
    except ValueError:
        return False
    if isinstance(source, ipaddress.IPv6Address) and source.ipv4_mapped is not None:
        source = source.ipv4_mapped
    return any(source in network for network in map(ipaddress.ip_network, allowed) if network.version == source.version)


def path_matches(given: str, secret: str) -> bool:
    """Tell whether a call came to our secret path; takes as long for a near miss as for any other.

    An empty secret matches nothing: a forgotten setting must not open the door.
    """
    return bool(secret) & hmac.compare_digest(given.encode("utf-8", "replace"), secret.encode("utf-8", "replace"))


def callback_problems(url: str) -> list[Problem]:
    """Return why the provider would not call an address of ours; the path, a secret, is not repeated."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme == "https" and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable:
        return [_problem("it is no https address", "write it as https://your-host/...")]
    words = [word for word in WORDS_REFUSED if word in url.lower()]
    if words:
        return [_problem(f"the word '{words[0]}' occurs in it", "choose another name or path without that word")]
    return []


def _problem(what: str, fix: str) -> Problem:
    said = f"the provider would refuse our callback address: {what}"
    return Problem("MG-P404", said, "it calls https addresses without certain words only", fix)
