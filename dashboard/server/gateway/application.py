"""The ASGI application that the server's workers run."""

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
from dashboard.server.gateway.wsgi_bridge import WsgiApplication, WsgiEnviron, build_wsgi_environ, run_wsgi_application

logger = logging.getLogger(__name__)

AsgiSend = Callable[[AsgiMessage], Awaitable[None]]

SEND_TIMEOUT = 30.0  # seconds until a piece of a long answer must have been taken


class Gateway:
    """Runs `application` in `threads` threads, for requests with bodies of up to `largest_body` bytes.

    Made in the process that serves: its threads do not survive a fork.
    """

    def __init__(self, application: WsgiApplication, threads: int, largest_body: int) -> None:
        self._application = application
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="request")
        self._bodies = BodyReader(largest_body)
        self._lanes = ConcurrencyLimits(threads)

    async def __call__(self, scope: dict[str, Any], receive: AsgiReceive, send: AsgiSend) -> None:
        """Answer one request. See ASGI's specification for the arguments."""
        try:
            async with (
                self._bodies.arrived(dict(scope["headers"]), receive) as body,
                self._lanes.place(scope["method"], scope["path"], len(body)),
            ):
                messages = await self._answer(build_wsgi_environ(scope, body), send)
        except RequestRejected as refused:
            logger.info("Refused: %s", refused, extra={"action": "refuse"})
            messages = _build_messages(refused.response)
        except ClientDisconnected:
            return
        for message in messages:
            await send(message)

    async def _answer(self, request: WsgiEnviron, send: AsgiSend) -> list[AsgiMessage]:
        loop = asyncio.get_running_loop()

        def deliver(*messages: AsgiMessage) -> None:
            for message in messages:
                asyncio.run_coroutine_threadsafe(_sent(send, message), loop).result(SEND_TIMEOUT)

        return await loop.run_in_executor(self._threads, run_wsgi_application, self._application, request, deliver)


async def _sent(send: AsgiSend, message: AsgiMessage) -> None:
    await send(message)


def _build_messages(response: HttpResponse) -> list[AsgiMessage]:
    headers = [(name.lower().encode(), value.encode()) for name, value in response.items()]
    return [
        {"type": "http.response.start", "status": response.status_code, "headers": headers},
        {"type": "http.response.body", "body": response.content},
    ]
