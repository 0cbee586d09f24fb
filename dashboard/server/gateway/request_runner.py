"""Run requests in threads, send their responses, and end the work whose client has gone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from dashboard.server.gateway.disconnection import AsgiSend, ClientDisconnected, Disconnection
from dashboard.server.gateway.request_job import RequestJob
from dashboard.server.gateway.response_buffer import ResponseBuffer
from dashboard.server.gateway.response_sender import ResponseSender
from dashboard.server.gateway.routes import READ_METHODS
from dashboard.server.gateway.wsgi_bridge import WsgiApplication, WsgiEnviron

logger = logging.getLogger(__name__)

INTERRUPT_SECONDS = 1.0  # between attempts to end the query of a request whose client has gone


class RequestRunner:
    """The threads of one process."""

    def __init__(self, application: WsgiApplication, threads: int, spool_directory: Path | None) -> None:
        """Create a runner of a WSGI application; long responses wait for slow clients in `spool_directory`."""
        self._application = application
        self._spool_directory = spool_directory
        self._sender = ResponseSender()
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="request")
        self._interrupter = ThreadPoolExecutor(1, thread_name_prefix="interrupter")
        self._interruptions: set[asyncio.Task[None]] = set()  # the event loop keeps no references
        self._jobs: dict[Future[bool], RequestJob] = {}

    def count_stuck(self, now: float) -> int:
        """Return how many threads are in a deadlock or have made no progress for too long."""
        return sum(job.is_stuck(now) for job in self._jobs.values())

    async def run(
        self, environ: WsgiEnviron, disconnection: Disconnection, send: AsgiSend,
        on_thread_free: Callable[[], None], *, close_connection: bool = False,
    ) -> None:  # fmt: skip
        """Run the application for a request and send its response.

        Args:
            environ: the WSGI environment of the request.
            disconnection: tells when the client has gone.
            send: the ASGI application's.
            on_thread_free: is called when the thread is free, which may be before the client has the response.
            close_connection: whether to ask the server to close the connection.

        Raises:
            ClientDisconnected: the client has gone.
        """
        loop = asyncio.get_running_loop()
        buffer = ResponseBuffer(loop, self._spool_directory)
        job = RequestJob(self._application, environ, buffer)

        def finish(future: Future[bool]) -> None:
            on_thread_free()
            del self._jobs[future]
            if (error := future.exception()) is not None:
                logger.error("A request failed", exc_info=error, extra={"action": "request_failed"})
            buffer.complete(is_broken=error is not None or not future.result())

        def notify_loop(future: Future[bool]) -> None:
            with suppress(RuntimeError):  # the loop is closed: the process ends
                loop.call_soon_threadsafe(finish, future)

        future = self._executor.submit(job.run)
        self._jobs[future] = job
        future.add_done_callback(notify_loop)
        try:
            disconnection.notify(buffer.abort)
            await buffer.wait_for_start()
            await self._sender.send(buffer, send, close_connection=close_connection)
            if disconnection.is_closed:
                raise ClientDisconnected
        finally:
            buffer.abort()
            if not future.done() and environ["REQUEST_METHOD"] in READ_METHODS:
                # Only reads are ended: a post that has begun costs less if it ends than if it is repeated.
                self._start_interruption(job, future)

    def _start_interruption(self, job: RequestJob, future: Future[bool]) -> None:
        task = asyncio.ensure_future(self._interrupt(job, future))
        self._interruptions.add(task)
        task.add_done_callback(self._interruptions.discard)

    async def _interrupt(self, job: RequestJob, future: Future[bool]) -> None:
        while not future.done():
            await asyncio.get_running_loop().run_in_executor(self._interrupter, job.interrupt)
            await asyncio.sleep(INTERRUPT_SECONDS)
