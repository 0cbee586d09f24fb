"""The domain of Runglass: records, ingest, queries, rollups, analytics, transfer and REST. It holds no HTML."""
