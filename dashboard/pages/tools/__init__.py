"""The pages of tools and functions: definitions, calls, and sample calls."""
