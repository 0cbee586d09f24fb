"""The wire format of the Responses API: response objects, items and stream events. No database."""
