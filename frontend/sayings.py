"""Each limit's consequence in words: the figures are the trading room's, the sentences the page's.

The first paint and the answer to what is being typed are made here, so they are the same.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from frontend.templatetags.formats import fixed, signed
from trading.contracts import BotView


def sayings(found: Mapping[str, Any], limits: Mapping[str, Any], view: BotView) -> dict[str, str]:
    """Return by limit what it means for this account now; `found` is `trading.api.preview`."""
    equity = _number(found.get("equity"))
    most = _number(limits.get("max_notional"))
    return {
        "risk_percent": _risk(found, limits, equity),
        "max_positions": _positions(view.n_open, _number(limits.get("max_positions"))),
        "max_leverage": _margin(most, _number(limits.get("max_leverage"))),
        "max_notional": _notional(most, equity),
        "daily_loss_percent": _("Entries stop after a loss of %(x)s USDT in a day.")
        % {"x": fixed(found.get("daily_stop"), 2)},
        "drawdown_percent": _drawdown(equity, _number(limits.get("drawdown_percent"))),
    }


def _risk(found: Mapping[str, Any], limits: Mapping[str, Any], equity: Decimal | None) -> str:
    ten = _number(found.get("ten_losses_percent")) or Decimal(0)
    words = [
        _("%(risk)s USDT of %(equity)s. Ten losses in a row: %(ten)s%%.")
        % {
            "risk": fixed(found.get("risk_amount"), 2),
            "equity": fixed(equity, 2),
            "ten": signed(-ten, 1),
        }
    ]
    used, asked = _number(found.get("risk_percent")), _number(limits.get("risk_percent"))
    if used is not None and asked is not None and used < asked:
        words.append(_("Above your cap: %(cap)s%% counts.") % {"cap": fixed(used, 2)})
    return " ".join(words)


def _positions(n_open: int, most: Decimal | None) -> str:
    if most is not None and n_open >= most:
        return _("Now open: %(n)d, the limit.") % {"n": n_open}
    return ngettext("Now open: %(n)d position.", "Now open: %(n)d positions.", n_open) % {
        "n": n_open
    }


def _margin(most: Decimal | None, leverage: Decimal | None) -> str:
    if most is None or not leverage:
        return ""
    return _("The largest position would hold %(x)s USDT of margin.") % {
        "x": fixed(most / leverage, 2)
    }


def _notional(most: Decimal | None, equity: Decimal | None) -> str:
    if most is None or not equity:
        return ""
    return _("%(x)s times the account of now.") % {"x": fixed(most / equity, 2)}


def _drawdown(equity: Decimal | None, percent: Decimal | None) -> str:
    if equity is None or percent is None:
        return ""
    return _("%(x)s USDT below the highest balance, if that is the one of now.") % {
        "x": fixed(equity * percent / 100, 2)
    }


def _number(x: Any) -> Decimal | None:
    try:
        found = Decimal(str(x))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None
