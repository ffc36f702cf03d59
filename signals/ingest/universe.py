"""Which symbols are followed, and what changes about them while we run."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from cryptosystems.kernel.errors import CryptoSystemsError
from cryptosystems.kernel.instruments import InstrumentRules

LEADER = "BTCUSDT"


def choose_universe(
    rules: Sequence[InstrumentRules], volumes: dict[str, float], wanted: tuple[str, ...] | int
) -> list[InstrumentRules]:
    """Return the symbols to follow: those named, or so many by 24-hour volume; BTC always.

    Raises
    ------
    CryptoSystemsError
        If a named symbol does not trade, or nothing is left.
    """
    by_name = {rule.symbol: rule for rule in rules}
    if isinstance(wanted, int):
        ranked = sorted(rules, key=lambda rule: -volumes.get(rule.symbol, 0.0))
        chosen = ranked[:wanted]
        leader = by_name.get(LEADER)
        if leader is not None and leader not in chosen:
            chosen[-1:] = [leader]
    else:
        unknown = [name for name in wanted if name not in by_name]
        if unknown:
            raise CryptoSystemsError(
                f"SYMBOLS names what does not trade here: {', '.join(unknown)}"
            )
        chosen = [by_name[name] for name in wanted]
    if not chosen:
        raise CryptoSystemsError("the exchange lists no USDT perpetual that trades")
    return chosen


def choose_deep(
    rules: Sequence[InstrumentRules], volumes: Mapping[str, float], n: int
) -> tuple[str, ...]:
    """Return the `n` symbols of `rules` with most volume: whose whole book is worth keeping."""
    ranked = sorted(rules, key=lambda rule: -volumes.get(rule.symbol, 0.0))
    return tuple(rule.symbol for rule in ranked[:n])


@dataclass(frozen=True, slots=True)
class UniverseChange:
    """What a refresh found."""

    listed: list[InstrumentRules] = field(default_factory=list)
    """To be followed from now on: new on the exchange, or trading again."""
    retired: list[str] = field(default_factory=list)
    changed: list[InstrumentRules] = field(default_factory=list)
    """Followed before and still, with other filters, brackets or funding interval."""

    def __bool__(self) -> bool:
        return bool(self.listed or self.retired or self.changed)


def compare(
    known: Mapping[str, InstrumentRules],
    followed: Collection[str],
    listed: Sequence[InstrumentRules],
    volumes: Mapping[str, float],
    wanted: tuple[str, ...] | int,
) -> UniverseChange:
    """Return what to change so that places left free are taken, the largest volume first.

    Who is followed stays followed while it trades: a symbol is not dropped for its rank.
    """
    now = {rule.symbol: rule for rule in listed}
    retired = [symbol for symbol in followed if symbol not in now]
    changed = [now[s] for s in followed if s in now and s in known and now[s] != known[s]]
    fresh = [rule for rule in listed if rule.symbol not in followed]
    if isinstance(wanted, int):
        free = wanted - (len(followed) - len(retired))
        fresh.sort(key=lambda rule: -volumes.get(rule.symbol, 0.0))
        taken = fresh[: max(0, free)]
    else:
        taken = [rule for rule in fresh if rule.symbol in wanted]
    return UniverseChange(taken, retired, changed)
