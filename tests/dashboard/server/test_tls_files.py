"""`up --tls-cert FILE --tls-key FILE` serves TLS, and refuses files that don't fit."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from dashboard.server.tls_files import TlsFilesError, load_tls_files
from tests.dashboard.server.test_configuration_checks import find
from tests.tls import make_certificate

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with two certificates and their keys, and with what is none."""
    directory = tmp_path_factory.mktemp("tls")
    for name in ("one", "other"):
        make_certificate(directory, name)
    (directory / "empty.pem").touch()
    (directory / "broken.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    command = ["openssl", "pkey", "-in", "one.key", "-aes256", "-passout", "pass:secret", "-out", "encrypted.key"]
    subprocess.run(command, cwd=directory, check=True, capture_output=True)
    return directory


def test_both_files_or_none_are_given(directory) -> None:
    assert load_tls_files(None, None) is None
    files = load_tls_files(str(directory / "one.pem"), str(directory / "one.key"))
    assert files is not None
    assert Path(files.key).read_bytes() == (directory / "one.key").read_bytes()


@pytest.mark.parametrize(
    ("certificate", "key", "message"),
    [
        ("one.pem", None, "add --tls-key FILE"),
        (None, "one.key", "add --tls-cert FILE"),
        ("absent.pem", "one.key", "Cannot read the TLS certificate .*absent.pem: No such file or directory"),
        ("one.pem", ".", "Cannot read the TLS key .*: Is a directory"),
        ("empty.pem", "one.key", "empty.pem is no PEM file"),
        ("broken.pem", "one.key", "Cannot use the TLS certificate .*broken.pem"),
        ("one.key", "one.key", "Cannot use the TLS certificate .*one.key"),
        ("one.pem", "one.pem", "Cannot use the TLS certificate .*one.pem with the key .*one.pem"),
        ("one.pem", "other.key", "The TLS key .*other.key does not belong to the certificate .*one.pem"),
        ("one.pem", "encrypted.key", "encrypted.key is encrypted: remove its passphrase"),
    ],
)
def test_files_that_do_not_fit_are_refused(directory, certificate, key, message) -> None:
    paths = (None if name is None else str(directory / name) for name in (certificate, key))
    with pytest.raises(TlsFilesError, match=message):
        load_tls_files(*paths)


@pytest.mark.parametrize(
    ("origins", "start"),
    [
        (["https://runs.example"], None),
        ([], "warning: Serving TLS, but"),
        (["http://runs.example"], "error: Serving TLS, but"),
    ],
)
def test_address_of_tls_begins_with_https(settings, origins, start) -> None:
    off = {} if origins == ["https://runs.example"] else {"HTTPS": False}
    problems = find(settings, has_tls=True, host="0.0.0.0", CSRF_TRUSTED_ORIGINS=origins, **off)
    assert [problem[: len(start or "")] for problem in problems] == ([start] if start else [])
