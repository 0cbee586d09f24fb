"""Tests of client addresses behind proxies."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from dashboard.server.gateway.client_address import ClientResolver
from dashboard.server.trusted_proxies import parse_trusted_proxies
from tests.dashboard.server.gateway.asgi import scope

PROXIES = parse_trusted_proxies(["127.0.0.1", "10.0.0.0/8", "fd00::/8"])


def resolve(resolver: ClientResolver, peer: str, **headers: str) -> tuple[str, str]:
    """Return the address and the scheme that are found for a request of `peer`."""
    encoded = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    resolved = resolver.resolve(scope(headers=encoded, address=peer))
    assert not any(b"forwarded" in name for name, _ in resolved["headers"])
    return resolved["client"][0], resolved["scheme"]


@pytest.mark.parametrize(
    ("forwarded_for", "address"),
    [
        ("203.0.113.5", "203.0.113.5"),
        ("203.0.113.5:4711", "203.0.113.5"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("::ffff:203.0.113.5", "203.0.113.5"),
        # only what trusted hops have added counts
        ("198.51.100.1, 203.0.113.5", "203.0.113.5"),
        ("198.51.100.1, 203.0.113.5, 10.1.2.3", "203.0.113.5"),
        ("203.0.113.5,10.1.2.3 , fd00::7", "203.0.113.5"),
        ("10.9.9.9, 10.1.2.3", "10.9.9.9"),
        # what can't be read ends the chain at the hop that sent it
        ("203.0.113.5, unknown", "127.0.0.1"),
        ("203.0.113.5, garbage, 10.1.2.3", "10.1.2.3"),
        ("203.0.113.5, ", "127.0.0.1"),
        ("", "127.0.0.1"),
        ("[2001:db8::1", "127.0.0.1"),
        ("[2001:db8::1]x", "127.0.0.1"),
        ("203.0.113.5:", "127.0.0.1"),
        ("999.0.0.1", "127.0.0.1"),
        ("\xff\xfe", "127.0.0.1"),
    ],
)
def test_x_forwarded_for_is_followed_hop_by_hop(forwarded_for, address) -> None:
    assert resolve(ClientResolver(PROXIES), "127.0.0.1", x_forwarded_for=forwarded_for) == (address, "http")


@pytest.mark.parametrize(
    ("forwarded", "address", "scheme"),
    [
        ("for=203.0.113.5", "203.0.113.5", "http"),
        ("For=203.0.113.5;Proto=HTTPS;by=10.0.0.1", "203.0.113.5", "https"),
        ('proto=https; for="203.0.113.5:4711"', "203.0.113.5", "https"),
        ('for="[2001:db8::1]:4711";proto=https', "2001:db8::1", "https"),
        ('for="[2001:db8::1]"', "2001:db8::1", "http"),
        ("for=198.51.100.1;proto=https, for=203.0.113.5;proto=http", "203.0.113.5", "http"),
        ("for=203.0.113.5;proto=https, for=10.1.2.3;proto=http", "203.0.113.5", "https"),
        ('for="203.0.113.5";host="a,b;c\\"d"', "203.0.113.5", "http"),
        # hidden and malformed nodes end the chain
        ("for=unknown;proto=https", "127.0.0.1", "http"),
        ("for=203.0.113.5, for=_hidden", "127.0.0.1", "http"),
        ("for=203.0.113.5, for=_hidden, for=10.1.2.3", "10.1.2.3", "http"),
        ('for="203.0.113.5', "127.0.0.1", "http"),
        ("for=203.0.113.5 for=198.51.100.1", "127.0.0.1", "http"),
        ("=;,", "127.0.0.1", "http"),
        ("proto=ftp;for=203.0.113.5", "203.0.113.5", "http"),
    ],
)
def test_forwarded_is_followed_hop_by_hop(forwarded, address, scheme) -> None:
    assert resolve(ClientResolver(PROXIES), "127.0.0.1", forwarded=forwarded) == (address, scheme)


@pytest.mark.parametrize(
    ("forwarded_for", "forwarded_proto", "scheme"),
    [
        ("203.0.113.5", "https", "https"),
        ("203.0.113.5, 10.1.2.3", "https", "https"),
        ("203.0.113.5, 10.1.2.3", "https, http", "https"),
        ("198.51.100.1, 203.0.113.5", "https, http", "http"),
        ("203.0.113.5", "gopher", "http"),
    ],
)
def test_scheme_is_that_of_the_client(forwarded_for, forwarded_proto, scheme) -> None:
    headers = {"x_forwarded_for": forwarded_for, "x_forwarded_proto": forwarded_proto}
    assert resolve(ClientResolver(PROXIES), "127.0.0.1", **headers) == ("203.0.113.5", scheme)


def test_scheme_alone_is_believed() -> None:
    assert resolve(ClientResolver(PROXIES), "10.0.0.1", x_forwarded_proto="https") == ("10.0.0.1", "https")


def test_untrusted_peer_says_nothing() -> None:
    headers = {"x_forwarded_for": "198.51.100.1", "x_forwarded_proto": "https", "forwarded": "for=198.51.100.1"}
    assert resolve(ClientResolver(PROXIES), "203.0.113.5", **headers) == ("203.0.113.5", "http")
    assert resolve(ClientResolver(()), "127.0.0.1", **headers) == ("127.0.0.1", "http")


def test_headers_that_disagree_name_nobody() -> None:
    """A proxy sets one of them. The other is the client's, and may name anybody."""
    headers = {"x_forwarded_for": "203.0.113.5", "forwarded": "for=198.51.100.1"}
    assert resolve(ClientResolver(PROXIES), "127.0.0.1", **headers)[0] == "127.0.0.1"
    headers = {"x_forwarded_for": "203.0.113.5", "forwarded": "for=203.0.113.5"}
    assert resolve(ClientResolver(PROXIES), "127.0.0.1", **headers)[0] == "203.0.113.5"


@pytest.mark.parametrize(
    ("peer", "scheme"), [("127.0.0.1", "https"), ("192.168.1.2", "https"), ("::1", "https"), ("8.8.8.8", "http")]
)
def test_https_site_needs_no_list_of_private_proxies(peer, scheme) -> None:
    resolver = ClientResolver((), trust_private_scheme=True)
    headers = {"x_forwarded_for": "203.0.113.5", "x_forwarded_proto": "https"}
    assert resolve(resolver, peer, **headers) == (peer, scheme)


@pytest.mark.parametrize("entry", ["10.0.0.1/8", "proxy.example.org", "10.0.0.0/33", "*"])
def test_invalid_proxy_is_refused(entry) -> None:
    with pytest.raises(ImproperlyConfigured, match="RUNGLASS_TRUSTED_PROXIES"):
        parse_trusted_proxies(["10.0.0.1", entry])
