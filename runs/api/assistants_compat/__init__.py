"""The read requests of the Assistants API, so that its clients work with only a different base URL."""
