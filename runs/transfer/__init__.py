"""Data in bulk: imports of files, exports, and the harvest of other servers."""
