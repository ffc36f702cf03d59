"""What an export of the record carries beside its rows."""
