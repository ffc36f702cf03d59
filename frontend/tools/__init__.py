"""The calculators: what they ask, what they answer. Every sum is the trading room's."""
