"""What the exchange said about each contract."""

from signals.models import Instrument


def funding_interval_hours(origin: str, symbol: str) -> int | None:
    """Return the hours between two funding payments; None where the contract is not known."""
    found = Instrument.objects.filter(origin=origin, symbol=symbol)
    return found.values_list("funding_interval_hours", flat=True).first()
