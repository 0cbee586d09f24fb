"""Features of a team: members, API keys, tags, comments, saved views, prices, deletion of runs."""
