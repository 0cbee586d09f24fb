"""Presentation code that several pages share. It knows no page."""
