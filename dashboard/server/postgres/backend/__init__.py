"""The Django database backend of the embedded Postgres server."""
