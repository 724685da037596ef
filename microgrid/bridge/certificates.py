"""Certificates of one's own (RFC 5280, P-256): an authority for one organisation's broker, and what it signs.

Meters keep the authority for as long as they live, so it is made for twenty years and its key never comes near the
broker. The broker's own certificate lasts two years and is made again in time.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_LASTS = timedelta(days=20 * 365)
SIGNED_LASTS = timedelta(days=730)
RENEWED_BEFORE = timedelta(days=60)
CLOCKS_DIFFER = timedelta(days=1)  # a meter whose clock is behind takes a fresh certificate all the same


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate and its key, both as PEM."""

    certificate: bytes
    key: bytes = field(repr=False)


def make_authority(name: str, now: datetime) -> Certificate:
    """Return an authority that signs certificates of one broker and of those who come to it."""
    key = ec.generate_private_key(ec.SECP256R1())
    named = _name(f"{name} devices")
    builder = _builder(named, named, key, now, now + AUTHORITY_LASTS).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    usage = _usage(signs_certificates=True)
    return _signed(builder.add_extension(usage, critical=True), key, key)


def make_certificate(authority: Certificate, name: str, hosts: Sequence[str], now: datetime) -> Certificate:
    """Return a certificate signed by an authority: of a broker reached as these hosts, or without any of a client."""
    signer = serialization.load_pem_private_key(authority.key, password=None)
    above = x509.load_pem_x509_certificate(authority.certificate)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    ends = min(now + SIGNED_LASTS, above.not_valid_after_utc)
    purpose = ExtendedKeyUsageOID.SERVER_AUTH if hosts else ExtendedKeyUsageOID.CLIENT_AUTH
    builder = (
        _builder(_name(name), above.subject, key, now, ends)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if hosts:
        builder = builder.add_extension(x509.SubjectAlternativeName([_host(host) for host in hosts]), critical=False)
    return _signed(builder, key, signer)


def ends_at(certificate: bytes) -> datetime:
    """Return when a certificate ends."""
    return x509.load_pem_x509_certificate(certificate).not_valid_after_utc


def hosts_of(certificate: bytes) -> tuple[str, ...]:
    """Return as which hosts a broker with this certificate can be reached."""
    found = x509.load_pem_x509_certificate(certificate).extensions
    try:
        names = found.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(str(name.value) for name in names)


def is_due(certificate: bytes, now: datetime) -> bool:
    """Return whether a certificate is to be made again, so that none ends unseen."""
    return ends_at(certificate) - now <= RENEWED_BEFORE


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, ends: datetime
) -> x509.CertificateBuilder:
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number())
    made = made.not_valid_before(now - CLOCKS_DIFFER).not_valid_after(ends)
    return made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _signed(
    builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey, signer: ec.EllipticCurvePrivateKey
) -> Certificate:
    made = builder.sign(signer, hashes.SHA256())
    plain = serialization.NoEncryption()
    pem = serialization.Encoding.PEM
    return Certificate(made.public_bytes(pem), key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
