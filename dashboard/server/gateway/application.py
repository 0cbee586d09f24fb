"""The ASGI application that the workers of the web server run."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.http import HttpResponse

from dashboard.server.gateway.body_reader import AsgiMessage, AsgiReceive, BodyReader
from dashboard.server.gateway.concurrency_limits import ConcurrencyLimits
from dashboard.server.gateway.rejections import ClientDisconnected, RequestRejected
from dashboard.server.gateway.wsgi_bridge import WsgiApplication, build_wsgi_environ, run_wsgi_application

logger = logging.getLogger(__name__)

AsgiSend = Callable[[AsgiMessage], Awaitable[None]]

SEND_TIMEOUT = 30.0  # seconds in which a client must take a chunk of a long response


class Gateway:
    """Runs a WSGI application in a pool of threads.

    Create it in the process that serves: its threads do not survive a fork.
    """

    def __init__(self, application: WsgiApplication, threads: int, max_body_bytes: int) -> None:
        """Create a gateway.

        Args:
            application: the WSGI application.
            threads: how many requests it handles at once.
            max_body_bytes: the size up to which bodies are accepted.
        """
        self._application = application
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="request")
        self._body_reader = BodyReader(max_body_bytes)
        self._limits = ConcurrencyLimits(threads)

    async def __call__(self, scope: dict[str, Any], receive: AsgiReceive, send: AsgiSend) -> None:
        """Respond to one request. The arguments are those of the ASGI specification."""
        try:
            async with (
                self._body_reader.read(dict(scope["headers"]), receive) as body,
                self._limits.acquire(scope["method"], scope["path"], len(body)),
            ):
                messages = await self._run_application(build_wsgi_environ(scope, body), send)
        except RequestRejected as rejection:
            logger.info("Request rejected with status %s", rejection, extra={"action": "reject_request"})
            messages = _build_messages(rejection.response)
        except ClientDisconnected:
            return
        for message in messages:
            await send(message)

    async def _run_application(self, environ: dict[str, Any], send: AsgiSend) -> list[AsgiMessage]:
        loop = asyncio.get_running_loop()

        async def send_message(message: AsgiMessage) -> None:
            await send(message)

        def deliver(*messages: AsgiMessage) -> None:
            for message in messages:
                asyncio.run_coroutine_threadsafe(send_message(message), loop).result(SEND_TIMEOUT)

        return await loop.run_in_executor(self._executor, run_wsgi_application, self._application, environ, deliver)


def _build_messages(response: HttpResponse) -> list[AsgiMessage]:
    headers = [(name.lower().encode(), value.encode()) for name, value in response.items()]
    return [
        {"type": "http.response.start", "status": response.status_code, "headers": headers},
        {"type": "http.response.body", "body": response.content},
    ]
