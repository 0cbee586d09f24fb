"""Between the server and Django: an ASGI application that guards a WSGI one.

Threads are few, and each holds a database connection, so no client may keep one by being slow. A request gets
a thread when it is here in full (`arrival`) and its lane has room (`lanes`); `threads` then runs Django in it.
Whatever is refused on the way is answered in the shape of the API's errors (`refusals`).
"""

from dashboard.server.gateway.application import Gateway

__all__ = ["Gateway"]
