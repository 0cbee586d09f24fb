"""Check the settings of a deployment before `up` serves it: errors refuse the start, warnings are printed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks

from dashboard.server.site_url import DEFAULT_PORTS
from dashboard.server.site_url_checks import find_site_url_problems

_MIN_SECRET_KEY_LENGTH = 32
_LOOPBACK_HOSTS = {"localhost", "127.0.0.1", "::1", "[::1]"}
# Findings of Django's deployment checks that are covered by our own sentences, or that are decisions of the operator.
_ANSWERED_CHECKS = {
    "security.W004",  # HSTS, on if all origins use TLS
    "security.W005",  # HSTS of subdomains, which may be other sites
    "security.W008",  # redirects to TLS, a task of the proxy
    "security.W009",  # length of the secret key
    "security.W012",  # secure session cookie, on if all origins use TLS
    "security.W016",  # secure CSRF cookie, likewise
    "security.W018",  # debug mode
    "security.W020",  # allowed hosts
    "security.W021",  # HSTS preloading, a decision about the whole domain
}


@dataclass(frozen=True, slots=True)
class ConfigurationProblem:
    """A sentence about a setting, and whether the site can't be served with it."""

    message: str
    is_error: bool = False


def find_configuration_problems(host: str, *, has_tls: bool = False) -> list[ConfigurationProblem]:
    """Return what is wrong with the settings of a site that listens on `host`, with TLS of its own or not."""
    return [
        *(ConfigurationProblem(message, is_error=True) for message in find_site_url_problems(settings.SITE_URL)),
        *_check_origins(settings.CSRF_TRUSTED_ORIGINS),
        *_check_hosts(settings.ALLOWED_HOSTS, settings.CSRF_TRUSTED_ORIGINS),
        *_check_exposure(host, is_loopback=host in _LOOPBACK_HOSTS),
        *_check_encryption(host, has_tls=has_tls),
        *_check_secret_key(settings.SECRET_KEY),
        *_run_deployment_checks(),
    ]


def _check_origins(origins: Sequence[str]) -> Iterator[ConfigurationProblem]:
    for origin in origins:
        if problem := _find_origin_problem(origin):
            yield ConfigurationProblem(f"RUNGLASS_TRUSTED_ORIGINS contains '{origin}': {problem}", is_error=True)
    if len({urlsplit(origin).scheme for origin in origins} & {"http", "https"}) > 1:
        yield ConfigurationProblem(
            "RUNGLASS_TRUSTED_ORIGINS mixes http and https: cookies can't be secure for one and work for the other. "
            "Name only the https origins",
            is_error=True,
        )


def _find_origin_problem(origin: str) -> str:
    """Return what is wrong with an origin, and the value to set; "" if it is as browsers send it."""
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return "expected https://HOST or https://HOST:PORT"
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        host = origin.partition("://")[2] or origin
        return f"expected a scheme and a host, such as 'https://{host}'"
    if parts.path or parts.query or parts.fragment or parts.username:
        return f"an origin has no path; set '{parts.scheme}://{parts.netloc.rpartition('@')[2]}'"
    if port == DEFAULT_PORTS[parts.scheme]:
        return f"browsers leave out the default port; set '{origin.rpartition(':')[0]}'"
    return ""


def _check_hosts(hosts: Sequence[str], origins: Sequence[str]) -> Iterator[ConfigurationProblem]:
    for host in hosts:
        name = re.sub(r"^\w+://|/.*$", "", host)
        name = _strip_port(name)
        if name != host:
            yield ConfigurationProblem(
                f"RUNGLASS_ALLOWED_HOSTS contains '{host}': expected a host name without scheme, port and path, such "
                f"as '{name}'",
                is_error=True,
            )
    if "*" in hosts:
        yield ConfigurationProblem(
            "RUNGLASS_ALLOWED_HOSTS contains '*': anybody can make the site answer under a name of their own. Name the "
            "hosts that people use"
        )
    for origin in origins:
        host_name = "" if _find_origin_problem(origin) else urlsplit(origin).hostname or ""
        if host_name and "*" not in host_name and not _is_allowed(host_name, hosts):
            yield ConfigurationProblem(
                f"RUNGLASS_TRUSTED_ORIGINS contains '{origin}', but RUNGLASS_ALLOWED_HOSTS does not contain "
                f"'{host_name}': requests with this host name are refused"
            )


def _strip_port(host: str) -> str:
    """Return a host name without port, and an IPv6 address in brackets."""
    if host.startswith("["):
        return f"{host.partition(']')[0]}]"
    return f"[{host}]" if host.count(":") > 1 else host.partition(":")[0]


def _is_allowed(name: str, hosts: Sequence[str]) -> bool:
    domains = tuple(host for host in hosts if host.startswith("."))
    return bool({"*", name, f"[{name}]"} & set(hosts)) or f".{name}".endswith(domains)


def _check_exposure(host: str, *, is_loopback: bool) -> Iterator[ConfigurationProblem]:
    if settings.DEBUG:
        message = "RUNGLASS_DEBUG is on: error pages show settings and data. It is for development only"
        if is_loopback:
            yield ConfigurationProblem(message)
        else:
            yield ConfigurationProblem(f"{message}, with --host 127.0.0.1", is_error=True)
    if not is_loopback and set(settings.ALLOWED_HOSTS) <= _LOOPBACK_HOSTS:
        yield ConfigurationProblem(
            f"Listening on {host}, but RUNGLASS_ALLOWED_HOSTS names only this machine "
            f"({', '.join(settings.ALLOWED_HOSTS)}). Set RUNGLASS_URL to the address that people use"
        )


def _check_encryption(host: str, *, has_tls: bool) -> Iterator[ConfigurationProblem]:
    if has_tls and not settings.HTTPS:
        is_contradiction = bool(settings.CSRF_TRUSTED_ORIGINS)
        yield ConfigurationProblem(
            "Serving TLS, but the address that people use is not set to one with https: browsers would send cookies "
            "without TLS, too. Set RUNGLASS_URL=https://HOST:PORT",
            is_error=is_contradiction,
        )
    elif host not in _LOOPBACK_HOSTS and not settings.HTTPS:
        yield ConfigurationProblem(
            f"Listening on {host} without TLS: passwords, cookies and API keys cross the network unencrypted. Put a "
            "proxy with TLS in front or use --tls-cert and --tls-key, and set RUNGLASS_URL=https://HOST, the "
            "address that people use"
        )


def _check_secret_key(secret_key: str) -> Iterator[ConfigurationProblem]:
    if len(secret_key) < _MIN_SECRET_KEY_LENGTH:
        yield ConfigurationProblem(
            f"RUNGLASS_SECRET_KEY has {len(secret_key)} characters: whoever guesses it can forge sessions. Use at "
            f"least {_MIN_SECRET_KEY_LENGTH} random characters, or unset it to have one generated"
        )


def _run_deployment_checks() -> Iterator[ConfigurationProblem]:
    """Yield the findings of Django's own checks of security settings."""
    for finding in checks.run_checks(tags=[checks.Tags.security], include_deployment_checks=True):
        if finding.id not in _ANSWERED_CHECKS:
            is_error = finding.level >= checks.ERROR
            yield ConfigurationProblem(f"{' '.join(finding.msg.split())} ({finding.id})", is_error=is_error)
