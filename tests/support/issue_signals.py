"""Issue signals at the market's price of now, in the database of a running product.

Run as a process with that product's environment: `python -m tests.support.issue_signals SYMBOL…`.
The engine issues too, when it finds something; a test cannot wait for that. Everything after the
row is the product's own. Prints {"SYMBOL": "signal id"}.
"""

import json
import os
import sys
from typing import Any, Final

ATR_SHARE: Final = 0.006
"""ATR of the plan, as a share of the price: one R is about 1.1 %."""


def issue(symbols: list[str]) -> dict[str, str]:
    """Publish a long of each symbol; return the ids."""
    from cryptosystems.kernel.clock import SystemClock
    from signals import api as signals
    from signals.models import Instrument
    from signals.services.publish import publish
    from tests.support.setups import make_draft

    marks = {row["symbol"]: float(row["mark"]) for row in signals.market_rows()}
    made = {}
    for symbol in symbols:
        rules, price = Instrument.objects.get(symbol=symbol), marks[symbol]
        draft = make_draft(
            origin=signals.live_origin(),
            symbol=symbol,
            base=symbol.removesuffix("USDT"),
            price=price,
            atr=price * ATR_SHARE,
            tick=str(rules.tick_size.normalize()),
            step=str(rules.step_size.normalize()),
            swing_low=price * 0.99,
            swing_high=price * 1.01,
            at_ms=SystemClock().now_ms(),
            trigger="urgent",
            p_win=0.8,
            p_low=0.75,
            p_high=0.85,
        )
        publish(draft)
        made[symbol] = str(draft.id)
    return made


def main(arguments: list[str]) -> Any:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cryptosystems.settings.local")
    django.setup()
    return issue(arguments)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(sys.argv[1:])))
