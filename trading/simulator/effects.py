"""The planted effects and their dials: what there is to be found in the synthetic market."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Effects:
    """Strength of each effect; all zero is a martingale in which nothing can be found.

    Drifts are in standard deviations of one minute's return, per minute.
    """

    slow_pressure: float = 0.0
    """Per unit of a hidden order-flow pressure with a half-life of 12 hours."""
    fast_pressure: float = 0.0
    """The same with a half-life of 2 hours."""
    book: float = 0.0
    """Per unit of book imbalance (half-life 30 s)."""
    funding: float = 0.0
    """Against extreme funding: per unit of premium in its own standard deviations."""
    interest: float = 0.0
    """Against a price move that open interest grew into."""
    btc_lag: float = 0.0
    """Share of beta that arrives one step late."""
    impact: float = 0.0
    """Size of the price impact of liquidations, most of which reverts; 1 is the default world."""
    spread_between_assets: float = 0.0
    """Standard deviation of each asset's own strength around 1; two assets are reversed."""

    @classmethod
    def none(cls) -> "Effects":
        """The martingale: no drift, and no impact either, for a cascade can be foreseen."""
        return cls()

    @classmethod
    def mild(cls) -> "Effects":
        """About as much as real markets may hold."""
        return cls(
            slow_pressure=0.0030,
            fast_pressure=0.006,
            book=0.03,
            funding=0.0008,
            interest=0.0008,
            btc_lag=0.15,
            impact=1.0,
            spread_between_assets=0.5,
        )

    @classmethod
    def demo(cls) -> "Effects":
        """The default of `bin/up`: strong enough that a visitor sees signals within minutes.

        Far stronger than anything a real market offers; results on it prove that the engine
        finds what is there, never that it would earn money.
        """
        return cls(
            slow_pressure=0.036,
            fast_pressure=0.080,
            book=0.05,
            funding=0.0015,
            interest=0.0015,
            btc_lag=0.15,
            impact=1.0,
            spread_between_assets=0.3,
        )


PRESETS = {"none": Effects.none, "mild": Effects.mild, "demo": Effects.demo}
