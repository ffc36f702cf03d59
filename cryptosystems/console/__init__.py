"""The staff console at /admin/: it looks through the doors of all rooms, and is seen by none."""
