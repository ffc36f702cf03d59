"""A local stand-in of Stripe: its protocol on loopback, so that the whole flow can be tried."""
