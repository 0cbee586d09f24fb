"""The database that comes along: Postgres from a wheel, run by Runglass itself.

Whoever needs a database asks `sessions.session(data_dir)`; the Django backend in `backend` does so at each
new connection. The first process to ask owns the server: `postgres` is its child, and is stopped when it
ends. The others join. Nothing outside this package, `up` and the settings knows which kind of database it is.

From the bottom: `account` (who runs the server), `binaries`, `place` (where its files are), `tuning`,
`launch` (how a child is started that dies with its parent), `cluster` (made once), `leftovers` (of a killed
server), `server` (one running server), `locks` and `sessions` (who owns, who joins).
"""
