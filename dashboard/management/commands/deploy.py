"""`manage.py deploy`: print configurations of service managers and proxies."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError

from dashboard.server.deployment import (
    PROXIES,
    TEMPLATES,
    TlsPaths,
    find_closed_directory,
    get_program,
    render_deployment,
)


class Command(BaseCommand):
    """The command."""

    help = "Print a systemd unit, a compose file, or the configuration of a proxy, with the settings of this instance"
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("target", choices=TEMPLATES, help="what to print")
        parser.add_argument("--port", type=int, default=8000, help="port that Runglass listens on (default: 8000)")
        parser.add_argument("--tls-cert", metavar="FILE", help="certificate chain of the proxy or the service")
        parser.add_argument("--tls-key", metavar="FILE", help="key of the certificate")

    def handle(self, *, target: str, port: int, tls_cert: str | None, tls_key: str | None, **_: Any) -> None:
        """Print the configuration on stdout, and what to mind on stderr."""
        url = settings.SITE_URL
        if url is None and target in PROXIES:
            raise CommandError("Set RUNGLASS_URL to the address that people will use, such as https://runs.example.com")
        tls = _resolve_tls(tls_cert, tls_key)
        if tls is not None and target == "compose":
            raise CommandError("The container serves no TLS itself: put a proxy in front, see `deploy caddy`")
        if target == "nginx" and tls is None and url is not None and url.scheme == "https":
            raise CommandError("nginx needs --tls-cert FILE and --tls-key FILE to serve https")
        if target == "systemd" and (closed := find_closed_directory(get_program()[0])):
            self.stderr.write(f"Warning: the user runglass cannot enter {closed}: install Runglass below /opt")
        if url is None:
            self.stderr.write("Warning: RUNGLASS_URL is not set, so only this machine can reach the site")
        self.stdout.write(render_deployment(target, port, tls), ending="")


def _resolve_tls(certificate: str | None, key: str | None) -> TlsPaths | None:
    """Return the absolute paths of both files, which may be on another machine; None without any."""
    if (certificate is None) != (key is None):
        raise CommandError("--tls-cert FILE and --tls-key FILE belong together")
    if certificate is None or key is None:
        return None
    return str(Path(certificate).absolute()), str(Path(key).absolute())
