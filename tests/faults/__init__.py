"""What a real `up` withstands: hanging clients, killed processes, writers at odds. Loopback only, bounded."""
