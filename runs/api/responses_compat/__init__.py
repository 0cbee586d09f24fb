"""The reads of the Responses API, for its clients, with its lists and errors."""
