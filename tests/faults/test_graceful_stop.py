"""A server that is told to stop answers what is running, within the time that it has, and refuses what comes."""

from __future__ import annotations

import http.client
import json
import shutil
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from tests.dashboard.server.test_up import ROOT, wait_until
from tests.tls import make_certificate


@contextmanager
def run_server(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run the web server with an application that sleeps, and return its process and its port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.echo_server", "127.0.0.2", *arguments],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        yield process, int(process.stdout.readline())
    finally:
        process.terminate()  # and thereby its workers
        process.wait(15)
        process.stdout.close()


def get(port: int, seconds: float = 0, tls: ssl.SSLContext | None = None) -> tuple[int, str, dict[str, str]]:
    """Send a request that takes some seconds; return status, the header `Connection`, and the content."""
    connection = (
        http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=tls)
        if tls
        else http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    )
    try:
        connection.request("GET", "/p/default/", headers={"X-Sleep": str(seconds)})
        response = connection.getresponse()
        return response.status, response.headers.get("Connection", ""), json.loads(response.read())
    finally:
        connection.close()


def can_connect(port: int, tls: ssl.SSLContext | None = None) -> bool:
    try:
        return get(port, tls=tls)[0] == 200
    except ConnectionError:
        return False


def test_running_and_waiting_requests_are_answered() -> None:
    with run_server() as (process, port), ThreadPoolExecutor(2) as pool:
        wait_until(lambda: can_connect(port))
        running = [pool.submit(get, port, 1.5) for _ in range(2)]  # strangers take turns: the second one waits
        time.sleep(0.5)
        begin = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert [request.result()[:2] for request in running] == [(200, "close")] * 2
        assert process.wait(10) == 0
        assert time.monotonic() - begin < 8


def test_stopping_server_refuses_connections() -> None:
    with run_server() as (process, port), ThreadPoolExecutor(1) as pool:
        wait_until(lambda: can_connect(port))
        running = pool.submit(get, port, 3)
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        time.sleep(1)
        with pytest.raises(ConnectionRefusedError):
            get(port)
        assert running.result()[0] == 200


@pytest.mark.parametrize("signals", [1, 2])
def test_stop_ends_with_its_time_or_another_signal(signals) -> None:
    with run_server("--grace", "2" if signals == 1 else "60") as (process, port), ThreadPoolExecutor(1) as pool:
        wait_until(lambda: can_connect(port))
        running = pool.submit(get, port, 30)
        time.sleep(0.3)
        for _ in range(signals):
            process.send_signal(signal.SIGINT)
            time.sleep(1.2)
        assert process.wait(10) == 0
        assert isinstance(running.exception(), ConnectionError)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
def test_server_with_tls(tmp_path) -> None:
    certificate, key = make_certificate(tmp_path)
    context = ssl.create_default_context(cafile=str(certificate))
    with run_server("--tls-cert", str(certificate), "--tls-key", str(key)) as (_, port):
        certificate.unlink()  # was read at the start
        wait_until(lambda: can_connect(port, context))
        assert get(port, tls=context)[2]["wsgi.url_scheme"] == "https"
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        assert get(port, tls=context)[0] == 200
