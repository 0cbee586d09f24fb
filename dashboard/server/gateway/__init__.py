"""An ASGI application in front of Django, which protects its few threads from slow and numerous clients.

Each thread holds a database connection, so a slow client must never occupy one. A request gets a thread once its body
has been read completely (`body_reader`) and the limit of its kind has room (`concurrency_limits`). `wsgi_bridge` then
runs Django in that thread. Requests that are rejected on the way get an error in the format of the API (`rejections`).
"""

from dashboard.server.gateway.application import Gateway

__all__ = ["Gateway"]
