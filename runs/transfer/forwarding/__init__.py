"""The forwarder: send everything that arrives to other tools that speak OTLP, such as Langfuse or Phoenix.

What has to be sent is recorded with what arrives (`runs.models.forward_item`). A thread per target in the maintenance
process reads it (`pages`), builds requests and sends them (`sender`), and deletes what the target has taken (`worker`).
A thread of its own, since a target that does not answer must not delay the rest of maintenance.
"""
