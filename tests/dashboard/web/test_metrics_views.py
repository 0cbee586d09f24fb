"""Who may read the metrics: whoever shows the token or, without one, clients on this machine."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from dashboard.server.trusted_proxies import parse_trusted_proxies

TOKEN = "t0ken-of-the-metrics"
LOCAL = {"Host": "127.0.0.1:8000"}


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("127.0.0.1", LOCAL, 200),
        ("::1", {"Host": "[::1]:8000"}, 200),
        ("::ffff:127.0.0.1", {"Host": "localhost"}, 200),
        ("10.0.0.1", LOCAL, 403),
        ("", LOCAL, 403),
        ("127.0.0.1", {"Host": "testserver"}, 403),
        *(("127.0.0.1", {**LOCAL, name: "127.0.0.1"}, 403) for name in ("X-Forwarded-For", "Via", "X-Real-IP")),
        ("127.0.0.1", {**LOCAL, "Forwarded": "for=127.0.0.1"}, 403),
    ],
)
def test_without_token_only_this_machine(client: Client, address: str, headers: dict[str, str], status: int) -> None:
    response = client.get("/metrics", headers=headers, REMOTE_ADDR=address)
    assert response.status_code == status
    assert (b"RUNGLASS_METRICS_TOKEN" in response.content) == (status == 403)


@pytest.mark.parametrize(("proxies", "status"), [((), 403), (("127.0.0.1",), 200)])
def test_unknown_proxy_may_hide_anybody(client: Client, settings: Any, proxies: tuple[str, ...], status: int) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://runs.example.org"]
    settings.TRUSTED_PROXIES = parse_trusted_proxies(proxies)
    assert client.get("/metrics", headers=LOCAL).status_code == status


@pytest.mark.parametrize(
    ("authorization", "status"),
    [(f"Bearer {TOKEN}", 200), (f"bearer  {TOKEN} ", 200), (f"Basic {TOKEN}", 401), ("Bearer wrong", 401), ("", 401)],
)
def test_token_is_needed_from_everywhere(client: Client, settings: Any, authorization: str, status: int) -> None:
    settings.METRICS_TOKEN = TOKEN
    headers = {**LOCAL, "Authorization": authorization}
    response = client.get("/metrics", headers=headers)
    assert response.status_code == status
    assert response.headers.get("WWW-Authenticate") == (None if status == 200 else "Bearer")
    assert TOKEN.encode() not in response.content


def test_metrics_are_read_only(client: Client) -> None:
    assert client.post("/metrics", headers=LOCAL).status_code == 405
