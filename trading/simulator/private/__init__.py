"""The private side of the simulated exchange: accounts, keys, orders, user streams."""
