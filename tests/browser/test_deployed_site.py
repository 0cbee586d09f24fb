"""The site below a path, with TLS, behind real proxies that run the configurations which `deploy` prints."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.test import override_settings

from dashboard.server.deployment import render_deployment
from dashboard.server.site_url import parse_site_url
from tests.dashboard.server.test_up import Up, wait_until
from tests.factories import run_object
from tests.tls import make_certificate

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
CADDY = shutil.which("caddy")
pytestmark = pytest.mark.skipif(
    (NGINX is None or CADDY is None) and "CI" not in os.environ, reason="needs nginx and caddy"
)

CLIENT = "127.0.0.3"  # the address of the client of these tests
PASSWORD = "chosen after the first start"
NGINX_MAIN = """
daemon off; worker_processes 1; pid {directory}/pid; error_log {directory}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off; include {directory}/runglass.conf;
  client_body_temp_path {directory}/a; proxy_temp_path {directory}/b; fastcgi_temp_path {directory}/c;
  uwsgi_temp_path {directory}/d; scgi_temp_path {directory}/e;
}}
"""


@dataclass
class ProxiedSite:
    """A site with its addresses, by proxy."""

    urls: dict[str, str]
    tls: ssl.SSLContext
    key: str

    def client(self, proxy: str) -> httpx.Client:
        transport = httpx.HTTPTransport(verify=self.tls, local_address=CLIENT)
        return httpx.Client(base_url=self.urls[proxy], transport=transport, follow_redirects=True, timeout=30)

    def post(self, proxy: str, *objects: dict[str, Any]) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        with self.client(proxy) as client:
            return client.post("api/v1/runs", content=json.dumps(objects), headers=headers)


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    """A directory outside of pytest's: another pytest would close that one to the user whom root starts the site as."""
    with tempfile.TemporaryDirectory(prefix="runglass-deployed-") as name:
        yield Path(name)


@pytest.fixture(scope="module")
def proxied_site(directory) -> Iterator[ProxiedSite]:
    """A site behind nginx and behind Caddy, whose administrator has chosen a password."""
    certificate, key = make_certificate(directory)
    urls = {proxy: f"https://localhost:{_find_free_port()}/runglass/" for proxy in ("nginx", "caddy")}
    origins = ",".join(url.removesuffix("/runglass/") for url in urls.values())
    up = Up(
        directory / "var", RUNGLASS_URL=urls["nginx"], RUNGLASS_TRUSTED_ORIGINS=origins,
        RUNGLASS_TRUSTED_PROXIES="127.0.0.1,::1",
    )  # fmt: skip
    files = (str(certificate), str(key))
    proxies = [
        _start_nginx(directory, urls["nginx"], up.port, files),
        _start_caddy(directory, urls["caddy"], up.port, files),
    ]
    output = dict(line.rsplit(maxsplit=1) for line in up.output if line.startswith(("Password", "API key")))
    secrets = {name.strip(): value for name, value in output.items()}
    site = ProxiedSite(urls, ssl.create_default_context(cafile=str(certificate)), secrets["API key"])
    try:
        for proxy in urls:
            wait_until(lambda proxy=proxy: _is_served(site, proxy))
        with site.client("nginx") as client:
            submit(client, "login/", username="admin", password=secrets["Password"])
            submit(client, "account/password/", new_password1=PASSWORD, new_password2=PASSWORD)
        yield site
    finally:
        for process in proxies:
            process.terminate()
            process.wait(10)
        up.stop(signal.SIGINT)


def _find_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def _print_configuration(target: str, url: str, port: int, files: tuple[str, str]) -> str:
    with override_settings(SITE_URL=parse_site_url(url)):
        return render_deployment(target, port, files)


def _start_nginx(directory: Path, url: str, port: int, files: tuple[str, str]) -> subprocess.Popen[bytes]:
    assert NGINX is not None
    (directory / "runglass.conf").write_text(_print_configuration("nginx", url, port, files))
    (directory / "nginx.conf").write_text(NGINX_MAIN.format(directory=directory))
    return subprocess.Popen([NGINX, "-c", directory / "nginx.conf", "-p", directory], stderr=subprocess.DEVNULL)


def _start_caddy(directory: Path, url: str, port: int, files: tuple[str, str]) -> subprocess.Popen[bytes]:
    assert CADDY is not None
    options = "{\n\tadmin off\n\tauto_https disable_redirects\n}\n"
    (directory / "Caddyfile").write_text(options + _print_configuration("caddy", url, port, files))
    command = [CADDY, "run", "--adapter", "caddyfile", "--config", directory / "Caddyfile"]
    homes = {"HOME": str(directory), "XDG_CONFIG_HOME": str(directory), "XDG_DATA_HOME": str(directory)}
    return subprocess.Popen(command, stderr=subprocess.DEVNULL, env={**os.environ, **homes})


def _is_served(site: ProxiedSite, proxy: str) -> bool:
    try:
        with site.client(proxy) as client:
            return client.get("healthz").status_code == 200
    except httpx.TransportError:
        return False


def submit(client: httpx.Client, path: str, **fields: str) -> httpx.Response:
    """Submit the form of a page, as a browser does, and return the page that follows."""
    form = client.get(path)
    token = re.search(r'csrfmiddlewaretoken" value="([^"]+)"', form.text)
    assert token is not None, form.text
    headers = {"Referer": str(form.url)}
    return client.post(path, data={"csrfmiddlewaretoken": token[1], **fields}, headers=headers)


def new_run(run_id: str) -> dict[str, Any]:
    now = int(time.time())
    return run_object(id=run_id, created_at=now, started_at=now, completed_at=now)


@pytest.fixture(params=["nginx", "caddy"])
def proxy(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def admin(proxied_site, proxy) -> Iterator[httpx.Client]:
    """A client that has signed in through the proxy."""
    with proxied_site.client(proxy) as client:
        page = submit(client, "login/", username="admin", password=PASSWORD)
        assert str(page.url) == f"{proxied_site.urls[proxy]}p/default/runs/"
        yield client


def test_sign_in_is_audited_with_its_address(admin) -> None:
    page = admin.get("p/default/settings/audit/?source=server").text
    assert CLIENT in page
    assert "127.0.0.1" not in page
    assert {cookie.path for cookie in admin.cookies.jar} == {"/runglass"}
    assert all(cookie.secure for cookie in admin.cookies.jar)


def test_path_without_slash_leads_to_the_site(proxied_site, proxy) -> None:
    with proxied_site.client(proxy) as client:
        assert str(client.get(proxied_site.urls[proxy].rstrip("/")).url).startswith(f"{proxied_site.urls[proxy]}login/")


def test_posted_runs_are_listed_and_read(proxied_site, proxy, admin) -> None:
    proxied_site.post(proxy, run_object())  # an empty list has no poll for new runs
    poll = re.search(r'hx-get="(/runglass/p/default/new-runs/[^"]*)"', admin.get("p/default/runs/").text)
    assert poll is not None
    assert proxied_site.post(proxy, new_run(f"run_of_{proxy}")).status_code == 200
    assert "1 new run" in admin.get(str(admin.base_url.copy_with(path="/"))[:-1] + poll[1].replace("&amp;", "&")).text
    assert f"run_of_{proxy}" in admin.get("p/default/runs/").text
    headers = {"Authorization": f"Bearer {proxied_site.key}"}
    assert admin.get(f"api/v1/runs/run_of_{proxy}", headers=headers).json()["id"] == f"run_of_{proxy}"
    assert admin.get("api/v1/schema").json()["servers"] == [{"url": "/runglass"}]


def test_large_post_and_streamed_export(proxied_site, proxy, admin) -> None:
    text = "word " * 20_000
    runs = [run_object(id=f"run_{proxy}_{n}", instructions=f"{n} {text}") for n in range(300)]
    assert proxied_site.post(proxy, *runs).json()["created"] == 300
    with admin.stream("GET", "p/default/runs.jsonl") as response:
        assert "content-length" not in response.headers
        assert sum(map(len, response.iter_bytes())) > 30_000_000


def test_live_updates_in_a_browser(proxied_site, context_of_proxy) -> None:
    proxied_site.post("nginx", run_object())
    page = context_of_proxy.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.goto(proxied_site.urls["nginx"])
    page.get_by_label("User name").fill("admin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Runs", exact=True).wait_for()
    proxied_site.post("nginx", new_run("run_while_watched"))
    page.get_by_role("link", name="1 new run").click()
    page.locator("a[href*='/runglass/p/default/runs/run_while_watched/']").first.wait_for()
    assert problems == []


@pytest.fixture
def context_of_proxy(browser) -> Iterator[Any]:
    """A browser that accepts the certificate of these tests."""
    context = browser.new_context(ignore_https_errors=True)
    yield context
    context.close()
