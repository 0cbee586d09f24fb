"""The status page of the instance, for its administrators."""
