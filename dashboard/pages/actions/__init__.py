"""The actions page: runs that wait for tool outputs or an approval, are past their expiry, or have gone silent."""
