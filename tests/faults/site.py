"""A running `up`, with the requests that scripts and people send."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.dashboard.server.test_up import ROOT, Up, environment_for

MAINTENANCE_THREADS = 2  # workers have more
JSON = {"Content-Type": "application/json"}


@dataclass
class SiteResponse:
    """A complete response."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self) -> dict[str, Any]:
        error: dict[str, Any] = json.loads(self.body)["error"]
        return error


@dataclass
class Site:
    """An `up` on `data_dir`, with the API key and the password of its first start."""

    data_dir: Path
    up: Up
    key: str
    password: str
    _cookies: dict[str, str] = field(default_factory=dict)

    @classmethod
    def start(cls, data_dir: Path) -> Site:
        up = Up(data_dir)
        output = "\n".join(up.output)
        key, password = (re.search(rf"^{name} +(\S+)$", output, re.MULTILINE) for name in ("API key", "Password"))
        assert key is not None
        assert password is not None
        return cls(data_dir, up, key[1], password[1])

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None,
        timeout: float = 30,
    ) -> SiteResponse:  # fmt: skip
        """Send a request on a new connection. Raises OSError and http.client.HTTPException."""
        connection = http.client.HTTPConnection("127.0.0.1", self.up.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return SiteResponse(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    def post(self, objects: list[dict[str, Any]], key: str = "", timeout: float = 30) -> SiteResponse:
        """Post runs."""
        body = json.dumps(objects).encode()
        return self.request("POST", "/api/v1/runs", body, {**JSON, **bearer(key or self.key)}, timeout)

    def get(self, path: str, timeout: float = 30) -> SiteResponse:
        """Send a GET request with the API key."""
        return self.request("GET", path, headers=bearer(self.key), timeout=timeout)

    def page(self, path: str = "/p/default/runs/", timeout: float = 30) -> SiteResponse:
        """Return a page for the administrator."""
        return self.request("GET", path, headers={"Cookie": self._cookie_header()}, timeout=timeout)

    def page_request(self, path: str) -> bytes:
        """Return the bytes of a request for a page by the administrator."""
        return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {self._cookie_header()}\r\n\r\n".encode()

    def _cookie_header(self) -> str:
        if not self._cookies:
            self._sign_in()
        return "; ".join(f"{name}={value}" for name, value in self._cookies.items())

    def stranger_sign_in(self) -> tuple[str, str]:
        """Return the body of a sign-in by a stranger, and the cookie that belongs to it."""
        form = self.request("GET", "/login/")
        token = re.search(rb'csrfmiddlewaretoken" value="([^"]+)"', form.body)
        assert token is not None
        fields = {"csrfmiddlewaretoken": token[1].decode(), "username": "stranger", "password": "wrong"}
        return urlencode(fields), form.headers["set-cookie"].split(";")[0].strip()

    def _sign_in(self) -> None:
        """Sign in with the one-time password of the first start, and choose another one."""
        self._submit("/login/", username="admin", password=self.password)
        chosen = f"{self.password} chosen"
        if self._submit("/account/password/", new_password1=chosen, new_password2=chosen):
            self.password = chosen

    def _submit(self, path: str, **fields: str) -> bool:
        """Submit the form at `path` with the cookies of the browser. Return whether there is one."""
        form = self._send("GET", path)
        token = re.search(rb'csrfmiddlewaretoken" value="([^"]+)"', form)
        assert token is not None
        if not all(f'name="{name}"'.encode() in form for name in fields) or b"old_password" in form:
            return False
        self._send("POST", path, urlencode({"csrfmiddlewaretoken": token[1].decode(), **fields}), status=302)
        return True

    def _send(self, method: str, path: str, body: str | None = None, status: int = 200) -> bytes:
        """Send a request as a browser, keep the cookies of the response, and return its content."""
        connection = http.client.HTTPConnection("127.0.0.1", self.up.port, timeout=30)
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        headers = {"Cookie": cookies, "Content-Type": "application/x-www-form-urlencoded"}
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        assert response.status == status, content
        for header in response.headers.get_all("set-cookie", []):
            self._cookies |= {name: morsel.value for name, morsel in SimpleCookie(header).items()}
        return content

    def manage(self, code: str) -> str:
        """Return what `code` prints in a shell that uses the same database."""
        done = subprocess.run(
            [sys.executable, "manage.py", "shell", "--no-imports", "-c", code],
            cwd=ROOT, env=environment_for(self.data_dir), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def project(self, slug: str) -> str:
        """Create a project and return its API key."""
        code = (
            "from tests.factories import make_key, make_project\n"
            f"print(make_key(make_project({slug!r})))"
        )  # fmt: skip
        return self.manage(code).strip()

    def state(self, slug: str) -> dict[str, Any]:
        """Return the state of a project. See `tests.faults.state`."""
        code = f"from tests.faults.state import print_state; print_state({slug!r})"
        state: dict[str, Any] = json.loads(self.manage(code))
        return state

    def children(self) -> tuple[list[int], int]:
        """Return the pids of the workers and of Postgres."""
        children = self._list_children()
        workers = [pid for pid, threads, args in children if "manage.py up" in args and threads > MAINTENANCE_THREADS]
        postgres = [pid for pid, _, args in children if args.partition(" ")[0].endswith("/postgres")]
        assert len(postgres) == 1, children
        return workers, postgres[0]

    def maintenance_pids(self) -> list[int]:
        """Return the pid of the maintenance process, if it runs."""
        children = self._list_children()
        return [pid for pid, threads, args in children if "manage.py up" in args and threads == MAINTENANCE_THREADS]

    def _list_children(self) -> list[tuple[int, int, str]]:
        """Return the pids, the numbers of threads and the command lines of all child processes."""
        listed = subprocess.run(
            ["ps", "-ww", "-o", "pid=,nlwp=,args=", "--ppid", str(self.up.process.pid)],
            capture_output=True, text=True, check=True,
        ).stdout.splitlines()  # fmt: skip
        return [(int(pid), int(threads), args) for pid, threads, args in (line.split(None, 2) for line in listed)]

    def stop(self) -> None:
        if self.up.process.poll() is None:
            self.up.stop(signal.SIGINT)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
