"""Numbers and records for those who watch an instance: metrics, request records, and the state of the instance.

- `request_record`: what is known about the request at hand; `access_log` writes its line.
- `metrics`: what is counted, in memory that the processes of an instance share (`process_values`).
- `recent_activity`: the slowest reads and the last refusals of each worker.
- `instance_state`: numbers that are too expensive for each scrape, collected by the maintenance process.
- `exposition`: all of them in the format of Prometheus.

The processes of an instance share a directory in memory-mapped files and small JSON files; nothing of it is worth
keeping, so each start begins anew.
"""
