"""An exchange without a network: what orders do to an account when the market moves."""
