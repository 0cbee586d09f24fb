"""The ASGI application that the server's workers run."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.http import HttpResponse

from dashboard.server.gateway.body_reader import Bodies, Message, Receive
from dashboard.server.gateway.concurrency_limits import Lanes
from dashboard.server.gateway.rejections import ClientGone, Refused
from dashboard.server.gateway.wsgi_bridge import Environ, WsgiApplication, environ, run

logger = logging.getLogger(__name__)

Send = Callable[[Message], Awaitable[None]]

SLOWEST = 30.0  # seconds until a piece of a long answer must have been taken


class Gateway:
    """Runs `application` in `threads` threads, for requests with bodies of up to `largest_body` bytes.

    Made in the process that serves: its threads do not survive a fork.
    """

    def __init__(self, application: WsgiApplication, threads: int, largest_body: int) -> None:
        self._application = application
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="request")
        self._bodies = Bodies(largest_body)
        self._lanes = Lanes(threads)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request. See ASGI's specification for the arguments."""
        try:
            async with (
                self._bodies.arrived(dict(scope["headers"]), receive) as body,
                self._lanes.place(scope["method"], scope["path"], len(body)),
            ):
                messages = await self._answer(environ(scope, body), send)
        except Refused as refused:
            logger.info("Refused: %s", refused, extra={"action": "refuse"})
            messages = _messages(refused.response)
        except ClientGone:
            return
        for message in messages:
            await send(message)

    async def _answer(self, request: Environ, send: Send) -> list[Message]:
        loop = asyncio.get_running_loop()

        def deliver(*messages: Message) -> None:
            for message in messages:
                asyncio.run_coroutine_threadsafe(_sent(send, message), loop).result(SLOWEST)

        return await loop.run_in_executor(self._threads, run, self._application, request, deliver)


async def _sent(send: Send, message: Message) -> None:
    await send(message)


def _messages(response: HttpResponse) -> list[Message]:
    headers = [(name.lower().encode(), value.encode()) for name, value in response.items()]
    return [
        {"type": "http.response.start", "status": response.status_code, "headers": headers},
        {"type": "http.response.body", "body": response.content},
    ]
