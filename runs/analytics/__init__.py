"""Questions about many runs, each answered with exact numbers or with the words that say how far they go."""
