"""Payment providers: a port in our words, and Stripe behind it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from billing.providers.port import PaymentProvider

_make: Callable[[], PaymentProvider] | None = None


def provider(within_s: float | None = None) -> PaymentProvider:
    """Return the provider that the settings name; with `within_s` one that does not wait long.

    It is imported at the first use: the client takes a second to load, and most processes and
    commands never need it.
    """
    if _make is not None:
        return _make()
    from billing.providers.stripe import from_settings

    return from_settings(within_s)


@contextmanager
def replaced(other: PaymentProvider) -> Iterator[None]:
    """Use another provider for a while: one that is kept in memory, or one that is down."""
    global _make
    before, _make = _make, lambda: other
    try:
        yield
    finally:
        _make = before
