"""Fault tests of a running `up`: hanging clients, killed processes, concurrent writers. Loopback only, bounded."""
