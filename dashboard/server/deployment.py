"""Configurations of the programs that run Runglass for a team, filled in with the settings of this instance."""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string

from dashboard.server.os_user.system_account import CREATE_COMMANDS
from dashboard.server.site_url import DEFAULT_PORTS, SiteUrl
from runs import __version__

TEMPLATES = {
    "systemd": "deploy/runglass.service",
    "compose": "deploy/compose.yaml",
    "nginx": "deploy/nginx.conf",
    "caddy": "deploy/Caddyfile",
}
PROXIES = frozenset({"nginx", "caddy"})
GRACE_SECONDS = 30  # that running requests have at the end
STOP_SECONDS = 120  # for all of the end: requests, maintenance, and the last checkpoint of Postgres
STATE_DIRECTORY = "/var/lib/runglass"  # of the unit
CONTAINER_UID = 10_001
LOOPBACK_PROXIES = "127.0.0.1,::1"
CONTAINER_PROXIES = "172.16.0.0/12,192.168.0.0/16"  # the networks that Docker chooses from
FIRST_UNPRIVILEGED_PORT = 1024
_SECRET = re.compile(r"SECRET|TOKEN|PASSWORD|KEY|DATABASE|HEADERS")  # in the name of a variable
_HOMES = (Path("/home"), Path("/root"), Path("/run/user"))

TlsPaths = tuple[str, str]  # of the certificate and the key


def render_deployment(target: str, port: int, tls: TlsPaths | None) -> str:
    """Return the configuration for `target`, one of TEMPLATES.

    Args:
        target: the program to configure. For one of PROXIES, RUNGLASS_URL must be set.
        port: where Runglass listens.
        tls: the files of whatever serves TLS: of the proxy, or of Runglass itself under systemd.
    """
    context = {
        "command_name": settings.COMMAND_NAME,
        "port": port,
        "tls": tls,
        "grace": GRACE_SECONDS,
        "stop_seconds": STOP_SECONDS,
    }
    if target == "systemd":
        context |= _describe_service(port, tls)
    elif target == "compose":
        context |= _describe_container()
    elif (url := settings.SITE_URL) is not None:
        context |= _describe_proxy(url)
    return f"{render_to_string(TEMPLATES[target], context).strip()}\n"


def find_closed_directory(program: str) -> Path | None:
    """Return the first directory above `program` that a user of its own, such as `runglass`, cannot enter."""
    directories = reversed(Path(program).absolute().parents)
    return next((path for path in directories if path.is_dir() and not path.stat().st_mode & 0o001), None)


def get_program() -> list[str]:
    """Return the command line that runs this very installation."""
    if settings.IS_INSTALLED:
        return [str(Path(sys.prefix) / "bin" / "runglass")]
    return [sys.executable, str(settings.BASE_DIR / "manage.py")]


def _describe_service(port: int, tls: TlsPaths | None) -> dict[str, Any]:
    program = get_program()
    environment = _read_environment(LOOPBACK_PROXIES if tls is None else "")
    data_dir = environment.setdefault("RUNGLASS_DATA_DIR", STATE_DIRECTORY)
    written = (data_dir, environment.get("RUNGLASS_BACKUP_DIR", STATE_DIRECTORY))
    is_in_home = any(Path(path).is_relative_to(home) for path in (*program, data_dir) for home in _HOMES)
    return {
        "environment": [_quote_for_systemd(f"{name}={value}") for name, value in environment.items()],
        "program": " ".join(map(_quote_for_systemd, program)),
        "listen_host": "127.0.0.1" if tls is None else "0.0.0.0",  # noqa: S104 - TLS is for others
        "read_write_paths": [_quote_for_systemd(path) for path in written if path != STATE_DIRECTORY],
        "protect_home": "read-only" if is_in_home else "yes",
        "capabilities": "CAP_NET_BIND_SERVICE" if port < FIRST_UNPRIVILEGED_PORT else "",
        "create_user": shlex.join(CREATE_COMMANDS[0][0]),
        "documentation": (Path(__file__).resolve().parents[1] / "OPERATIONS.md").as_uri(),
    }


def _describe_container() -> dict[str, Any]:
    environment = _read_environment(CONTAINER_PROXIES) | {"RUNGLASS_DATA_DIR": "/data"}
    if backups := environment.get("RUNGLASS_BACKUP_DIR"):
        environment["RUNGLASS_BACKUP_DIR"] = "/backups"
    return {
        "backups": backups and json.dumps(f"{backups}:/backups").replace("$", "$$"),
        # JSON is YAML; Compose replaces $NAME.
        "environment": {name: json.dumps(value).replace("$", "$$") for name, value in environment.items()},
        "wheel": f"runglass-{__version__}-py3-none-any.whl",
        "python_version": f"{sys.version_info.major}.{sys.version_info.minor}",
        "uid": CONTAINER_UID,
    }


def _describe_proxy(url: SiteUrl) -> dict[str, Any]:
    port = url.port or DEFAULT_PORTS[url.scheme]
    return {
        "url": url,
        "public_port": port,
        "is_default_port": port == DEFAULT_PORTS[url.scheme],
        "max_body_mb": settings.MAX_BODY_BYTES // (1024 * 1024),
        "trusted_proxies": LOOPBACK_PROXIES,
        "has_ipv6": socket.has_dualstack_ipv6(),
    }


def _read_environment(proxies: str) -> dict[str, str]:
    """Return the settings that this process was started with, without secrets; behind a TLS proxy also its address."""
    names = [name for name in settings.SETTING_VARIABLES if os.environ.get(name) and not _SECRET.search(name)]
    environment = {name: os.environ[name] for name in names}
    if settings.HTTPS and proxies:
        environment.setdefault("RUNGLASS_TRUSTED_PROXIES", proxies)
    return environment


def _quote_for_systemd(text: str) -> str:
    """Return a word of a unit file, see systemd.syntax(7) and "Specifiers" in systemd.unit(5)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("\n", "\\n")
    return f'"{escaped}"' if re.search(r"[\s\"'\\;#]", text) else escaped
