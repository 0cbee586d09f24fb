"""The ASGI application that the workers of the web server run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from django.http import HttpResponse

from dashboard.monitoring.metrics import measure_memory
from dashboard.monitoring.process_values import get_process_name
from dashboard.monitoring.request_record import REQUEST_ID_HEADER, RequestRecord
from dashboard.server.gateway.body_reader import RequestBodies, content_length, content_type, discard_body
from dashboard.server.gateway.callers import CallerDirectory, address_caller
from dashboard.server.gateway.client_address import ClientResolver
from dashboard.server.gateway.connections import ConnectionSweeper
from dashboard.server.gateway.disconnection import AsgiReceive, AsgiSend, Disconnection
from dashboard.server.gateway.health import HealthChecks
from dashboard.server.gateway.lanes import Lanes
from dashboard.server.gateway.metrics_endpoint import MetricsEndpoint
from dashboard.server.gateway.rejections import RequestRejected
from dashboard.server.gateway.request_observer import RequestObserver
from dashboard.server.gateway.request_runner import RequestRunner
from dashboard.server.gateway.routes import LaneName, find_route
from dashboard.server.gateway.wsgi_bridge import WsgiApplication, build_wsgi_environ


class Gateway:
    """Runs a WSGI application in threads.

    Create it in the process that serves: its threads do not survive a fork.
    """

    def __init__(
        self,
        application: WsgiApplication,
        clients: ClientResolver,
        connections: ConnectionSweeper,
        bodies: RequestBodies,
        spool_directory: Path | None = None,
        script_name: str = "",
    ) -> None:
        """Create a gateway.

        Args:
            application: the WSGI application.
            clients: finds out who sent a request.
            connections: closes idle connections.
            bodies: reads the bodies of requests.
            spool_directory: where long responses wait for slow clients.
            script_name: the path that the site is below, such as `/runglass`.
        """
        self.lanes = Lanes()
        self._clients = clients
        self._connections = connections
        self._bodies = bodies
        self._script_name = script_name
        self._callers = CallerDirectory()
        self._health = HealthChecks()
        self._metrics = MetricsEndpoint()
        self._observer = RequestObserver(clients, script_name)
        self._runner = RequestRunner(application, self.lanes.threads, spool_directory)

    def start_task(self, work: Coroutine[Any, Any, None], loop: asyncio.AbstractEventLoop) -> None:
        """Run `work` in the background as long as the process serves."""
        self._background_task = loop.create_task(work)  # the event loop keeps no reference

    def measure(self, directory: Path | None) -> None:
        """Note the lengths of the lanes and the memory of this process; write recent activity into `directory`.

        Called every second or so. Raises OSError.
        """
        self.lanes.measure()
        measure_memory()
        if directory is not None:
            self._observer.activity.write(directory, get_process_name())

    def resume_activity(self, directory: Path) -> None:
        """Go on with the recent activity of the worker that this one replaces."""
        self._observer.activity.resume(directory, get_process_name())

    def is_stuck(self, now: float) -> bool:
        """Return whether all threads have made no progress for so long that only a new process helps."""
        return self._runner.count_stuck(now) >= self.lanes.min_stuck_threads

    async def __call__(self, scope: dict[str, Any], receive: AsgiReceive, send: AsgiSend) -> None:
        """Respond to one request. The arguments are those of the ASGI specification."""
        with self._connections.track(scope), self._observer.observe(scope) as record:
            if (response := await self._respond_to_monitor(scope, record)) is not None:
                await _send_complete(response, record, send)
                return
            try:
                await self._handle(self._clients.resolve(scope), record, receive, send)
            except RequestRejected as rejection:
                self._observer.note_rejection(record, rejection)
                response = rejection.build_response(record.path, record.id, content_type(scope["headers"]))
                await _send_complete(response, record, send)
                if rejection.close_connection:
                    await discard_body(receive)

    async def _respond_to_monitor(self, scope: dict[str, Any], record: RequestRecord) -> HttpResponse | None:
        """Return the response to a health check or a scrape, which need no thread; None for any other request."""
        if (response := await self._health.respond(record.path, record.method)) is not None:
            record.route = record.path.strip("/")
            return response
        return await self._metrics.respond(scope, record)

    async def _handle(self, scope: dict[str, Any], record: RequestRecord, receive: AsgiReceive, send: AsgiSend) -> None:
        # 1. Find out who may send how much, and read that. Whoever may not send a body gets the answer without it.
        route = find_route(record.method, record.path)
        length = content_length(scope["headers"])
        caller = address_caller(scope)
        if self._bodies.is_caller_needed(route, length):
            caller = await self._callers.find(scope, self.lanes.look_up)
        async with self._bodies.read(route, length, caller, receive) as content:
            # 2. Wait for a thread. Whose request it is matters only if it has to.
            lane = LaneName.PAGES if route.lane.takes_posted_data and not caller.is_known else route.lane
            if not caller.is_known and not self.lanes.has_room(lane, caller):
                caller = await self._callers.find(scope, self.lanes.look_up)
            disconnection = Disconnection(receive)
            with disconnection.watch():
                release = await self.lanes.acquire(lane, caller, len(content.body), disconnection)
                # 3. Run Django in the thread, and send what it writes.
                environ = build_wsgi_environ(scope, record, content.body, self._script_name)
                await self._runner.run(
                    environ, disconnection, send, on_thread_free=release, close_connection=not content.is_complete
                )
        if not content.is_complete:
            await discard_body(receive)


async def _send_complete(response: HttpResponse, record: RequestRecord, send: AsgiSend) -> None:
    record.status, record.ended = response.status_code, time.monotonic()
    response[REQUEST_ID_HEADER] = record.id
    headers = [(name.lower().encode(), value.encode()) for name, value in response.items()]
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": response.content, "more_body": False})
