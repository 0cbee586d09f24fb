"""The certificate and the key of `up --tls-cert FILE --tls-key FILE`."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from pathlib import Path

_MISMATCH = "KEY_VALUES_MISMATCH"  # OpenSSL's name of the reason


class TlsFilesError(Exception):
    """TLS can't be served with these files."""


@dataclass(frozen=True)
class TlsFiles:
    """Paths of a certificate chain and its key, which all processes that are forked from this one can read."""

    certificate: str
    key: str


def load_tls_files(certificate: str | None, key: str | None) -> TlsFiles | None:
    """Read and check the files, in PEM; None without any.

    Call it before root becomes another user: keys are often readable by root only.

    Raises:
        TlsFilesError: one of them is missing, unreadable or no PEM, or the key is encrypted or another certificate's.
    """
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        missing = "--tls-cert" if certificate is None else "--tls-key"
        raise TlsFilesError(f"TLS needs a certificate and its key: add {missing} FILE")
    contents = [_read_pem(certificate, "certificate"), _read_pem(key, "key")]
    _check_pair(certificate, key)
    return TlsFiles(_keep_readable(certificate, contents[0]), _keep_readable(key, contents[1]))


def _read_pem(path: str, name: str) -> bytes:
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise TlsFilesError(f"Cannot read the TLS {name} {path}: {error.strerror}") from error
    if b"-----BEGIN " not in content:
        raise TlsFilesError(f"The TLS {name} {path} is no PEM file: it has no line -----BEGIN …-----")
    return content


def _check_pair(certificate: str, key: str) -> None:
    def reject_encrypted_key() -> str:
        raise TlsFilesError(f"The TLS key {key} is encrypted: remove its passphrase with `openssl pkey -in {key}`")

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, reject_encrypted_key)
    except ssl.SSLError as error:
        if error.reason == _MISMATCH:
            raise TlsFilesError(f"The TLS key {key} does not belong to the certificate {certificate}") from error
        raise TlsFilesError(f"Cannot use the TLS certificate {certificate} with the key {key}: {error}") from error


def _keep_readable(path: str, content: bytes) -> str:
    """Return the path of a copy in memory, if the system has such files: workers may not read the original."""
    if not hasattr(os, "memfd_create"):
        return str(Path(path).absolute())
    descriptor = os.memfd_create(Path(path).name)  # is open as long as this process and its forks live
    with open(descriptor, "wb", closefd=False) as file:
        file.write(content)
    return f"/proc/self/fd/{descriptor}"
