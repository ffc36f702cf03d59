"""Pure rules of the blog: no Django, no I/O, no clock."""
