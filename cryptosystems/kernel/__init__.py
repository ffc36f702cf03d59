"""Words every room shares: standard library only, no Django, no I/O."""
