"""Reads as the hosted Assistants API served them: its clients work with only the base URL changed."""
