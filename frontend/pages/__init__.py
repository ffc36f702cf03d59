"""One module a page: read, put into a context, render."""
