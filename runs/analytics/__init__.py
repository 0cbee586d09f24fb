"""Questions about many runs. Numbers are exact, or say how many runs they are about."""
