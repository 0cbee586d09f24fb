"""An ASGI application in front of Django, which protects its few threads from slow, numerous and hostile clients.

A request passes these rooms:

1. `connections` notes that its connection is busy, and closes those that are idle for too long; `request_observer`
   counts and logs it; `health` and `metrics_endpoint` answer those who watch the instance; `client_address` finds out
   who sent the request, whatever proxies stand between.
2. `routes` tells its lane and how large its body may be; `callers` whose API key or session it shows; `body_reader`
   reads the body accordingly.
3. `lanes` and `fair_queue` let it wait for a thread of its lane, in turn with other callers.
4. `request_runner` runs Django for it in that thread (`request_job`, `wsgi_bridge`), keeps the response for the client
   (`response_buffer`, `response_sender`), and ends the work if the client goes away (`disconnection`).

Requests that are rejected on the way get a response of `rejections`.
"""

from dashboard.server.gateway.application import Gateway

__all__ = ["Gateway"]
