"""Services of billing: each file a subject; they own transactions, views and tasks are thin."""
