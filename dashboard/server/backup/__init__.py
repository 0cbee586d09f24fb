"""Backup and restore of the whole database, and scheduled backups."""
