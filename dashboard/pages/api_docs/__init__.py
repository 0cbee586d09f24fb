"""The reference of the REST API, rendered from its OpenAPI document."""
