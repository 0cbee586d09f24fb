"""Commands of the domain, and what they share."""
