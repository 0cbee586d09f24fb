"""The REST API: the API under `/api/v1`, and reads for clients of the Assistants API."""
