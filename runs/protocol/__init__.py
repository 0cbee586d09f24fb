"""The wire format: one module per object, and below them fields, times and JSON as text."""
