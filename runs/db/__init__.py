"""SQL building blocks: statements, upserts, lookups and keyset pagination."""
