"""The read requests of the Assistants API, so that its clients work with nothing but another base URL."""
