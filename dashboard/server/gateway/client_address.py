"""Find out who sent a request, and by which scheme, if proxies stand between.

Each proxy appends the address from which it got the request to `X-Forwarded-For`, or to `Forwarded` (RFC 7239). So
these headers are read from the right, hop by hop, while the hop is trusted: whatever is left of the first untrusted
address may be invented.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from dashboard.server.trusted_proxies import IpAddress, IpNetwork, parse_ip_address

FORWARDED_HEADERS = frozenset({b"forwarded", b"x-forwarded-for", b"x-forwarded-proto"})
_SCHEMES = ("http", "https")
# A parameter of `Forwarded`: a name, and a token or a quoted string.
_FORWARDED_PARAMETER = re.compile(r'\s*([\w!#$%&\'*+.^`|~-]+)=("(?:[^"\\]|\\.)*"|[^\s";,]*)\s*')
_PORT = re.compile(r":[\w.-]+$")


class Hop(NamedTuple):
    """A step of a request: the address that a proxy received it from, None if unreadable, and the scheme, if named."""

    address: IpAddress | None
    scheme: str = ""


class ForwardedClient(NamedTuple):
    """The address of a client and the scheme of its request."""

    address: str
    scheme: str


class ClientResolver:
    """Resolves clients behind trusted proxies.

    Without trusted proxies, `trust_private_scheme` lets a peer on this machine or in a private network name the scheme,
    but no address. A site whose origins are all https works behind a TLS proxy without further settings.
    """

    def __init__(self, proxies: Sequence[IpNetwork], *, trust_private_scheme: bool = False) -> None:
        """Create a resolver that trusts the given networks."""
        self._proxies = tuple(proxies)
        self._trust_private_scheme = trust_private_scheme and not proxies

    def read_request_id(self, scope: dict[str, Any]) -> str:
        """Return the id that a trusted proxy has given to a request; "" if there is none, or the peer is no proxy."""
        value = next((value for name, value in scope["headers"] if name == b"x-request-id"), None)
        peer = None if value is None else parse_ip_address(scope["client"][0])
        return value.decode("latin-1") if value is not None and peer is not None and self._is_trusted(peer) else ""

    def resolve(self, scope: dict[str, Any]) -> dict[str, Any]:
        """Return the ASGI scope with the client's address and scheme, and without the headers that told them."""
        peer_text, port = scope["client"]
        if not any(name in FORWARDED_HEADERS for name, _ in scope["headers"]):
            return scope
        headers = _join_forwarded_headers(scope["headers"])
        peer = parse_ip_address(peer_text)
        client = ForwardedClient(peer_text, scope["scheme"])
        if peer is not None and self._is_trusted(peer):
            client = self._find_client(Hop(peer, scope["scheme"]), headers)
        elif peer is not None and self._trust_private_scheme and (peer.is_private or peer.is_loopback):
            client = ForwardedClient(peer_text, _last_scheme(headers) or scope["scheme"])
        remaining = [(name, value) for name, value in scope["headers"] if name not in FORWARDED_HEADERS]
        return {**scope, "client": (client.address, port), "scheme": client.scheme, "headers": remaining}

    def _is_trusted(self, address: IpAddress) -> bool:
        return any(address in network for network in self._proxies)

    def _find_client(self, peer: Hop, headers: dict[bytes, str]) -> ForwardedClient:
        """Return the client. If the two headers disagree, one is the client's own, and only the peer is certain."""
        chains = [
            parse(headers)
            for name, parse in ((b"x-forwarded-for", _parse_x_forwarded), (b"forwarded", _parse_forwarded))
            if name in headers
        ]
        clients = [self._follow(peer, chain) for chain in chains]
        if len({client.address for client in clients}) > 1:
            return ForwardedClient(str(peer.address), clients[0].scheme)
        if clients:
            return clients[0]
        return ForwardedClient(str(peer.address), _last_scheme(headers) or peer.scheme)

    def _follow(self, peer: Hop, chain: Sequence[Hop]) -> ForwardedClient:
        """Return the first address from the right that is not trusted, or the last one that can be read."""
        client = peer
        for hop in reversed(chain):
            if hop.address is None or client.address is None or not self._is_trusted(client.address):
                break
            client = Hop(hop.address, hop.scheme or client.scheme)
        return ForwardedClient(str(client.address), client.scheme)


def _join_forwarded_headers(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, str]:
    """Return the headers by name. One that occurs several times is a list that continues."""
    joined: dict[bytes, str] = {}
    for name, value in headers:
        if name in FORWARDED_HEADERS:
            text = value.decode("latin-1")
            joined[name] = f"{joined[name]},{text}" if name in joined else text
    return joined


def _parse_x_forwarded(headers: dict[bytes, str]) -> list[Hop]:
    """Return the hops of `X-Forwarded-For`, with the schemes of `X-Forwarded-Proto`, which mostly names only one."""
    addresses = [_parse_node(node) for node in headers[b"x-forwarded-for"].split(",")]
    schemes = [_parse_scheme(text) for text in headers.get(b"x-forwarded-proto", "").split(",")]
    if len(schemes) != len(addresses):
        schemes = [schemes[-1]] * len(addresses)
    return [Hop(address, scheme) for address, scheme in zip(addresses, schemes, strict=True)]


def _parse_forwarded(headers: dict[bytes, str]) -> list[Hop]:
    """Return the hops of `Forwarded`. From the first malformed one on, which may hide others, all are unreadable."""
    text = headers[b"forwarded"]
    hops: list[Hop] = []
    position, parameters = 0, {}
    while match := _FORWARDED_PARAMETER.match(text, position):
        name, value = match[1].lower(), match[2]
        parameters[name] = re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
        position = match.end()
        separator = text[position : position + 1]
        if separator in ("", ","):
            hops.append(Hop(_parse_node(parameters.get("for", "")), _parse_scheme(parameters.get("proto", ""))))
            parameters = {}
        elif separator != ";":
            break
        position += 1
    return hops if position >= len(text) else [*hops, Hop(None)]


def _parse_node(text: str) -> IpAddress | None:
    """Return the address of a node: with or without a port, IPv6 in brackets. None for `unknown` and `_names`."""
    text = text.strip().strip('"')
    if text.startswith("["):
        inner, bracket, port = text[1:].partition("]")
        return parse_ip_address(inner) if bracket and (not port or _PORT.fullmatch(port)) else None
    if text.count(":") == 1:
        text = _PORT.sub("", text)
    return parse_ip_address(text)


def _parse_scheme(text: str) -> str:
    scheme = text.strip().lower()
    return scheme if scheme in _SCHEMES else ""


def _last_scheme(headers: dict[bytes, str]) -> str:
    """Return the scheme that the nearest proxy names, empty if it names none."""
    if b"x-forwarded-proto" in headers:
        return _parse_scheme(headers[b"x-forwarded-proto"].rpartition(",")[2])
    return next((hop.scheme for hop in reversed(_parse_forwarded(headers))), "") if b"forwarded" in headers else ""
