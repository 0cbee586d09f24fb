"""The domain of Runglass: records, ingest, queries, rollups, analytics, transfer and REST. It holds no HTML."""

__version__ = "0.1.0"  # the only place of the version: of the wheel, the pages, `/healthz` and `--version`
