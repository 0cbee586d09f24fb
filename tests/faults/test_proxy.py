"""Tests of the gateway behind a real nginx, which keeps its connections."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dashboard.server.test_up import ROOT, wait_until

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
pytestmark = pytest.mark.skipif(NGINX is None, reason="needs nginx")

PROXY = "127.0.0.2"  # where nginx sends its requests from

CONFIGURATION = """
daemon off; worker_processes 1; pid {directory}/pid; error_log {directory}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off; client_max_body_size 0;
  client_body_temp_path {directory}/a; proxy_temp_path {directory}/b; fastcgi_temp_path {directory}/c;
  uwsgi_temp_path {directory}/d; scgi_temp_path {directory}/e;
  upstream site {{ server 127.0.0.1:{site_port}; keepalive 4; keepalive_timeout 60s; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://site; proxy_bind {proxy}; proxy_http_version 1.1; proxy_request_buffering off;
      proxy_set_header Connection ""; proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto https;
    }}
  }}
}}
"""


@pytest.fixture(scope="module")
def proxy_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of an nginx in front of a gateway that trusts it."""
    site = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.echo_server", PROXY], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert site.stdout is not None
    assert NGINX is not None
    directory: Path = tmp_path_factory.mktemp("nginx")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    text = CONFIGURATION.format(proxy=PROXY, directory=directory, site_port=int(site.stdout.readline()), port=port)
    (directory / "nginx.conf").write_text(text)
    nginx = subprocess.Popen([NGINX, "-c", directory / "nginx.conf", "-p", directory], stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: _is_ready(port))
        yield port
    finally:
        for process in (nginx, site):
            process.terminate()
            process.wait(10)
        site.stdout.close()


def _is_ready(port: int) -> bool:
    try:
        return _get(port)[0] == 200
    except OSError:
        return False


def _get(port: int, **headers: str) -> tuple[int, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/p/default/?q=a", headers=headers)
        response = connection.getresponse()
        body = response.read()
        return response.status, json.loads(body) if response.status == 200 else {}
    finally:
        connection.close()


def test_client_behind_nginx_keeps_its_address(proxy_port) -> None:
    status, client = _get(proxy_port)
    assert status == 200
    assert (client["REMOTE_ADDR"], client["wsgi.url_scheme"]) == ("127.0.0.1", "https")
    assert client["QUERY_STRING"] == "q=a"


def test_client_can_not_invent_an_address(proxy_port) -> None:
    spoofed = {"X-Forwarded-For": "198.51.100.1", "X-Forwarded-Proto": "http"}
    client = _get(proxy_port, **spoofed)[1]
    assert (client["REMOTE_ADDR"], client["wsgi.url_scheme"]) == ("127.0.0.1", "https")
    # This nginx passes on a header that it does not know.
    assert _get(proxy_port, **spoofed, Forwarded="for=198.51.100.2")[1]["REMOTE_ADDR"] == PROXY


def test_kept_connections_serve_many_requests(proxy_port) -> None:
    assert {_get(proxy_port)[0] for _ in range(200)} == {200}


def test_answer_to_unread_body_arrives_through_nginx(proxy_port) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", proxy_port, timeout=10)
    connection.request("POST", "/api/v1/runs", b"x" * 3_000_000)  # without a key
    response = connection.getresponse()
    assert response.status == 200
    response.read()
    connection.close()
    assert _get(proxy_port)[0] == 200
