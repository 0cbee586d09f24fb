"""Presentation code that several pages share. It does not depend on any page."""
