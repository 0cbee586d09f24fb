"""Questions about many runs. Results are exact, or say how many runs they are based on."""
