"""The proxies whose statements about clients are believed: RUNGLASS_TRUSTED_PROXIES."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.core.exceptions import ImproperlyConfigured

IpAddress = IPv4Address | IPv6Address
IpNetwork = IPv4Network | IPv6Network


def parse_trusted_proxies(entries: Iterable[str]) -> tuple[IpNetwork, ...]:
    """Return the networks of RUNGLASS_TRUSTED_PROXIES.

    Raises:
        ImproperlyConfigured: an entry is neither an IP address nor a network in CIDR notation.
    """
    return tuple(_parse_network(entry.strip()) for entry in entries if entry.strip())


def parse_ip_address(text: str) -> IpAddress | None:
    """Return an IP address, None if `text` is something else. IPv4 within IPv6 becomes IPv4."""
    try:
        address = ip_address(text.partition("%")[0])  # a link-local address may name its interface
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _parse_network(entry: str) -> IpNetwork:
    try:
        return ip_network(entry)
    except ValueError as error:
        raise ImproperlyConfigured(
            f"Invalid RUNGLASS_TRUSTED_PROXIES: {error}; expected addresses and networks such as 10.0.0.5,10.1.0.0/16"
        ) from error
