"""`deploy` prints configurations that their programs accept."""

from __future__ import annotations

import os
import shutil
import subprocess
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import CommandError, call_command

from dashboard.server.deployment import find_closed_directory
from dashboard.server.site_url import parse_site_url
from runs import __version__
from tests.tls import make_certificate

URL = "https://runs.example:8443/runglass/"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


def needs(program: str) -> pytest.MarkDecorator:
    is_missing = shutil.which(program) is None and shutil.which(program, path="/usr/sbin") is None
    return pytest.mark.skipif(is_missing and "CI" not in os.environ, reason=f"needs {program}")


@pytest.fixture(autouse=True)
def environment(settings, monkeypatch) -> None:
    for name in settings.SETTING_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "RUNGLASS_URL": URL,
        "RUNGLASS_SECRET_KEY": "very secret",
        "DATABASE_URL": "x://secret",
    }.items():
        monkeypatch.setenv(name, value)
    settings.SITE_URL, settings.HTTPS = parse_site_url(URL), True


@pytest.fixture
def tls(tmp_path) -> tuple[str, ...]:
    """The options of a certificate."""
    certificate, key = make_certificate(tmp_path)
    return "--tls-cert", str(certificate), "--tls-key", str(key)


def deploy(*arguments: str) -> str:
    output = StringIO()
    call_command("deploy", *arguments, stdout=output, stderr=StringIO())
    return output.getvalue()


def check(*command: Any) -> str:
    """Run a program that checks a configuration; return what it complains about."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode else ""


@needs("systemd-analyze")
@pytest.mark.parametrize("options", [(), ("--port", "443", "--tls-cert", "/etc/c.pem", "--tls-key", "/etc/k.pem")])
def test_systemd_accepts_the_unit(tmp_path, monkeypatch, options) -> None:
    monkeypatch.setenv("RUNGLASS_READ_TIMEOUT_SECONDS", "30")
    unit = tmp_path / "runglass.service"
    unit.write_text(deploy("systemd", *options))
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert check("systemd-analyze", "security", "--offline=true", "--threshold=30", unit) == ""


def test_unit_has_the_settings_but_no_secret(monkeypatch) -> None:
    monkeypatch.setenv("RUNGLASS_TRUSTED_PROXIES", '10.0.0.1, 10% "of"')
    unit = deploy("systemd")
    assert f"Environment=RUNGLASS_URL={URL}\n" in unit
    assert 'Environment="RUNGLASS_TRUSTED_PROXIES=10.0.0.1, 10%% \\"of\\""\n' in unit
    assert "secret\n" not in unit.lower().replace("runglass_secret_key", "")
    assert "very secret" not in unit + deploy("compose")


def test_backup_directory_is_writable(monkeypatch) -> None:
    monkeypatch.setenv("RUNGLASS_BACKUP_DIR", "/srv/backups of runs")
    assert '\nReadWritePaths="/srv/backups of runs"\n' in deploy("systemd")
    service = yaml.safe_load(deploy("compose"))["services"]["runglass"]
    assert service["volumes"] == ["data:/data", "/srv/backups of runs:/backups"]
    assert service["environment"]["RUNGLASS_BACKUP_DIR"] == "/backups"


def test_low_port_needs_its_capability() -> None:
    assert "\nAmbientCapabilities=\n" in deploy("systemd")
    assert "\nAmbientCapabilities=CAP_NET_BIND_SERVICE\n" in deploy("systemd", "--port", "443")


def test_compose_file_is_hardened(monkeypatch) -> None:
    monkeypatch.setenv("RUNGLASS_DATA_DIR", "/elsewhere")
    monkeypatch.setenv("RUNGLASS_TRUSTED_PROXIES", "$HOME: '#")
    service = yaml.safe_load(deploy("compose", "--port", "8080"))["services"]["runglass"]
    assert (service["read_only"], service["cap_drop"], service["ports"]) == (True, ["ALL"], ["127.0.0.1:8080:8000"])
    assert service["volumes"] == ["data:/data"]
    assert service["environment"] == {
        "RUNGLASS_DATA_DIR": "/data", "RUNGLASS_TRUSTED_PROXIES": "$$HOME: '#", "RUNGLASS_URL": URL,
    }  # fmt: skip
    image = service["build"]["dockerfile_inline"]
    assert image.startswith("FROM python:3.")
    assert image.splitlines()[-1] == "USER runglass"
    assert f"COPY runglass-{__version__}-py3-none-any.whl" in image


@needs("nginx")
@pytest.mark.parametrize("url", [URL, "https://localhost:8443", "http://localhost:8080"])
def test_nginx_accepts_its_configuration(settings, tmp_path, tls, url) -> None:
    settings.SITE_URL = parse_site_url(url)
    (tmp_path / "nginx.site").write_text(deploy("nginx", *(tls if url.startswith("https") else ())))
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid; error_log stderr; events {{}} http {{ access_log off; include {tmp_path}/*.site; }}"
    )
    assert check(NGINX, "-t", "-p", tmp_path, "-c", tmp_path / "nginx.conf") == ""


@needs("caddy")
@pytest.mark.parametrize("url", [URL, "https://localhost", "http://localhost:8080"])
def test_caddy_accepts_its_configuration(settings, tmp_path, tls, url) -> None:
    settings.SITE_URL = parse_site_url(url)
    path: Path = tmp_path / "Caddyfile"
    path.write_text(deploy("caddy", *(tls if url == URL else ())))
    assert check("caddy", "validate", "--adapter", "caddyfile", "--config", path) == ""
    assert subprocess.run(["caddy", "fmt", path], capture_output=True, text=True, check=True).stdout == path.read_text()


@pytest.mark.parametrize(
    ("arguments", "url", "message"),
    [
        (("caddy",), "", "Set RUNGLASS_URL to the address"),
        (("nginx",), URL, "nginx needs --tls-cert FILE"),
        (("nginx", "--tls-cert", "c.pem"), URL, "belong together"),
        (("compose", "--tls-cert", "c.pem", "--tls-key", "k.pem"), URL, "serves no TLS itself"),
    ],
)
def test_missing_options_are_named(settings, arguments, url, message) -> None:
    settings.SITE_URL = parse_site_url(url)
    with pytest.raises(CommandError, match=message):
        deploy(*arguments)


def test_closed_directory_is_found(tmp_path) -> None:
    (tmp_path / "closed" / "bin").mkdir(parents=True)
    (tmp_path / "closed").chmod(0o700)
    assert find_closed_directory(str(tmp_path / "closed" / "bin" / "runglass")) is not None
    assert find_closed_directory("/usr/bin/env") is None
