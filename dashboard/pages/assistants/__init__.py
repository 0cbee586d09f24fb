"""The page of one assistant: its versions, what changed from one to another, and what that did."""
