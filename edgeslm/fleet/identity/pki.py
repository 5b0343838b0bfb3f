"""Keys, certificates and revocation lists of the private authority; the only file that imports cryptography.

Everything goes in and out as PEM. Keys are ECDSA on P-256. Certificates follow RFC 5280 as strictly as Python 3.13
checks them (VERIFY_X509_STRICT): key identifiers, key usage, and a critical basicConstraints.
"""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from edgeslm_agent.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_DAY_S = 86400
AUTHORITY_S = 20 * 365 * _DAY_S
BROKER_S = 5 * 365 * _DAY_S
CLIENT_S = 365 * _DAY_S
# certificates begin a day before they are made: a board that has not heard of NTP yet, or a clock that is a bit slow
SLACK_S = _DAY_S


@dataclass(frozen=True)
class Pair:
    """A certificate and its private key, both PEM."""

    certificate: bytes
    key: bytes = field(repr=False)


@dataclass(frozen=True)
class Request:
    """What a certificate request (PKCS #10) asks for: a name, for the owner of a key (SHA-256 of the public key)."""

    name: str
    key: str
    pem: bytes


@dataclass(frozen=True)
class Certificate:
    """A certificate as the ledger knows it; `begins` and `ends` in seconds since 1970, `serial` in hex."""

    name: str
    serial: str
    key: str
    begins: int
    ends: int
    pem: bytes


def new_authority(name: str, now: float) -> Pair:
    """Return a self-signed authority that can sign certificates and revocation lists, and no further authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(_name(name), _name(name), key.public_key(), now, _time(now + AUTHORITY_S))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
    return Pair(_pem(builder.sign(key, hashes.SHA256())), _key_pem(key))


def new_broker(authority: Pair, hosts: Sequence[str], now: float) -> Pair:
    """Return the broker's certificate for its host names and addresses, with a new key."""
    key = ec.generate_private_key(ec.SECP256R1())
    names = x509.SubjectAlternativeName([_host(host) for host in hosts])
    subject = _Subject("broker", key.public_key(), names)
    return Pair(_issue(authority, subject, ExtendedKeyUsageOID.SERVER_AUTH, now, BROKER_S), _key_pem(key))


def new_client(authority: Pair, name: str, now: float) -> Pair:
    """Return the certificate of a person or program at the operator's side, with a new key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _Subject(name, key.public_key())
    return Pair(_issue(authority, subject, ExtendedKeyUsageOID.CLIENT_AUTH, now, CLIENT_S), _key_pem(key))


def certify(authority: Pair, request: Request, now: float) -> Certificate:
    """Return a device's certificate. Only name and key come from the request; everything else is decided here."""
    public = x509.load_pem_x509_csr(request.pem).public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)  # read_request saw to it
    names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(f"urn:edgeslm:{request.name}")])
    subject = _Subject(request.name, public, names)
    return read_certificate(_issue(authority, subject, ExtendedKeyUsageOID.CLIENT_AUTH, now, CLIENT_S))


def read_request(pem: bytes) -> Request:
    """Read a request. Raises ConfigError when it is none, not signed by its own key, or the key is not on P-256."""
    hint = "make one on the device: edgeslm-agent enroll --id FLEET/ID --csr FILE"
    try:
        request = x509.load_pem_x509_csr(pem)
        public, names = request.public_key(), request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        proven = request.is_signature_valid
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigError(f"that is not a certificate request: {error}", hint) from error
    if not isinstance(public, ec.EllipticCurvePublicKey) or not isinstance(public.curve, ec.SECP256R1):
        raise ConfigError("the request's key is not ECDSA on P-256", hint)
    if not proven or len(names) != 1:
        raise ConfigError("the request is not signed by its own key, or names nobody", hint)
    return Request(str(names[0].value), _digest(public), pem)


def read_certificate(data: bytes) -> Certificate:
    """Read a certificate of ours, PEM or DER. Raises ConfigError."""
    try:
        pem = data.startswith(b"-----")
        found = x509.load_pem_x509_certificate(data) if pem else x509.load_der_x509_certificate(data)
        (name,) = found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        public = found.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigError(f"that is not a certificate: {error}", "give a PEM file") from error
    begins, ends = found.not_valid_before_utc.timestamp(), found.not_valid_after_utc.timestamp()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    return Certificate(
        str(name.value), f"{found.serial_number:x}", _digest(public), int(begins), int(ends), _pem(found)
    )


def revocation_list(
    authority: Pair, revoked: Iterable[tuple[str, int]], now: float, previous: bytes | None = None
) -> bytes:
    """Return the list of revoked certificates (serial in hex, when) that replaces `previous`.

    It ends with the authority: OpenSSL refuses everybody once a list is out of date, and this one is handed over by
    file, not fetched. Mosquitto keeps the old list beside the new one when it reloads and OpenSSL takes the later of
    the two, so a list always begins at least a second after the one it replaces.
    """
    signer, key = _open(authority)
    begins = _time(now - SLACK_S)
    if previous is not None:
        begins = max(begins, x509.load_pem_x509_crl(previous).last_update_utc + timedelta(seconds=1))
    builder = x509.CertificateRevocationListBuilder(signer.subject, begins, signer.not_valid_after_utc)
    for serial, when in revoked:
        entry = x509.RevokedCertificateBuilder(int(serial, 16), _time(when)).build()
        builder = builder.add_revoked_certificate(entry)
    builder = builder.add_extension(x509.CRLNumber(int(begins.timestamp())), critical=False)
    builder = builder.add_extension(_issued_by(signer), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


@dataclass(frozen=True)
class _Subject:
    name: str
    key: ec.EllipticCurvePublicKey
    names: x509.SubjectAlternativeName | None = None


def _issue(authority: Pair, subject: _Subject, purpose: x509.ObjectIdentifier, now: float, lifetime_s: int) -> bytes:
    signer, key = _open(authority)
    ends = min(_time(now + lifetime_s), signer.not_valid_after_utc)  # what outlives its authority helps nobody
    builder = _builder(_name(subject.name), signer.subject, subject.key, now, ends)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    builder = builder.add_extension(_issued_by(signer), critical=False)
    if subject.names is not None:
        builder = builder.add_extension(subject.names, critical=False)
    return _pem(builder.sign(key, hashes.SHA256()))


def _builder(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, now: float, ends: datetime
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder(issuer, subject, public, x509.random_serial_number(), _time(now - SLACK_S), ends)
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)


def _issued_by(signer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    identifier = signer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates, key_cert_sign=signs_certificates, crl_sign=signs_certificates,
        content_commitment=False, key_encipherment=False, data_encipherment=False, key_agreement=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _open(pair: Pair) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = load_pem_private_key(pair.key, password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return x509.load_pem_x509_certificate(pair.certificate), key


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(int(seconds), timezone.utc)


def _digest(public: ec.EllipticCurvePublicKey) -> str:
    return hashlib.sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
