"""Serve what the gateway says about clients, without a database: `python -m tests.faults.echo_server PROXIES`.

The first line of the output is the port. A request with the header `X-Sleep: SECONDS` is answered after that time.
"""

from __future__ import annotations

import json
import os
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any


def echo_client(environ: dict[str, Any], start_response: Callable[..., None]) -> Iterable[bytes]:
    time.sleep(float(environ.get("HTTP_X_SLEEP", 0)))
    start_response("200 OK", [("Content-Type", "application/json")])
    names = ("REMOTE_ADDR", "wsgi.url_scheme", "HTTP_HOST", "PATH_INFO", "QUERY_STRING")
    return [json.dumps({name: environ[name] for name in names}).encode()]


def load_gateway(port: int, proxies: str, _index: int, beat: Callable[[], None]) -> Any:
    import asyncio

    from dashboard.server.gateway import Gateway
    from dashboard.server.gateway.body_reader import RequestBodies
    from dashboard.server.gateway.client_address import ClientResolver
    from dashboard.server.gateway.connections import ConnectionSweeper
    from dashboard.server.trusted_proxies import parse_trusted_proxies

    clients = ClientResolver(parse_trusted_proxies(proxies.split(",")))
    gateway = Gateway(echo_client, clients, ConnectionSweeper(port, 600), RequestBodies(1_000_000, 100_000))

    async def keep_beating() -> None:
        while True:
            beat()
            await asyncio.sleep(1)

    gateway.start_task(keep_beating(), asyncio.get_event_loop_policy().get_event_loop())
    return gateway


def main() -> None:
    parser = ArgumentParser()
    parser.add_argument("proxies")
    parser.add_argument("--tls-cert")
    parser.add_argument("--tls-key")
    parser.add_argument("--grace", type=int, default=10)
    options = parser.parse_args()
    os.environ["DJANGO_SETTINGS_MODULE"] = "dashboard.settings"
    import django

    django.setup()
    from dashboard.server.granian_server import GranianServer
    from dashboard.server.listen_address import bind_address
    from dashboard.server.tls_files import load_tls_files

    address = bind_address("127.0.0.1", 0, tls=load_tls_files(options.tls_cert, options.tls_key))
    print(address.port, flush=True)
    server = GranianServer(address, 1, 600, lambda: None, options.grace)
    server.serve(target_loader=partial(load_gateway, address.port, options.proxies), wrap_loader=False)


if __name__ == "__main__":
    main()
