"""Reads: rows to what pages and API show."""
