"""Signing in and out, the password, and the start page."""
