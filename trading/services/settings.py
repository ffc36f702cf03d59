"""How a bot is set: the paper account, limits, mode, automation.

A change is checked, stored, audited and written to the journal with what stood before.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import api as accounts
from billing import api as billing
from billing.contracts import Feature
from cryptosystems.kernel.decimals import parse_decimal, plain
from cryptosystems.kernel.errors import InvalidInput, NotAllowed
from cryptosystems.platform.bell import ring
from trading.contracts import AccountState, BotMode, Venue
from trading.domain.limits import MOST_LEVERAGE, MOST_RISK_PERCENT, BotLimits
from trading.models import BotSettings, PaperBook, TradingAccount
from trading.selectors.ladder import automation_held
from trading.services.journal import note

REST: Final = timedelta(hours=24)
"""After a password or second factor was changed: no bot on, no key, no higher limit."""
TIMEFRAMES: Final = ("1m", "5m", "15m", "1h", "4h", "1d")
_RANGES: Final[dict[str, tuple[Decimal, Decimal]]] = {
    "risk_percent": (Decimal("0.05"), MOST_RISK_PERCENT),
    "max_notional": (Decimal(10), Decimal(1_000_000)),
    "daily_loss_percent": (Decimal("0.5"), Decimal(10)),
    "drawdown_percent": (Decimal(2), Decimal(50)),
}
_COUNTS: Final[dict[str, tuple[int, int]]] = {
    "max_positions": (1, 20),
    "max_leverage": (1, MOST_LEVERAGE),
    "max_trades_day": (1, 100),
    "pause_after_stops": (0, 20),
    "offer_s": (15, 600),
}
_FLAGS: Final = ("is_approved_by_hand", "is_trailing")
_CHOICES: Final = {"sides": ("both", "long", "short"), "on_daily_loss": ("hold", "flatten")}
_LISTS: Final = ("only_symbols", "not_symbols", "timeframes")
LIMITS: Final = (*_RANGES, *_COUNTS, *_FLAGS, *_CHOICES, *_LISTS, "min_confidence")
_RISKIER_UP: Final = (
    "risk_percent",
    "max_notional",
    "daily_loss_percent",
    "drawdown_percent",
    "max_positions",
    "max_leverage",
    "max_trades_day",
)


def paper_account(user_id: UUID, now: datetime | None = None) -> TradingAccount:
    """Return somebody's paper account, made at the first question."""
    held = TradingAccount.objects.for_user(user_id).filter(venue=Venue.PAPER.value).first()
    if held is not None:
        return held
    now = now or timezone.now()
    try:
        with transaction.atomic():
            made = TradingAccount.objects.add_for(
                user_id,
                venue=Venue.PAPER.value,
                label="Paper",
                state=AccountState.CONNECTED.value,
                created_at=now,
            )
            BotSettings.objects.add_for(user_id, account=made, mode=BotMode.TRADING.value)
            PaperBook.objects.add_for(user_id, account=made, updated_at=now)
            return made
    except IntegrityError:  # another request was first
        return TradingAccount.objects.for_user(user_id).get(venue=Venue.PAPER.value)


def settings_of(user_id: UUID, account_id: UUID) -> BotSettings:
    """Return the settings of one account.

    Raises
    ------
    InvalidInput
        If this person has no such account.
    """
    account = TradingAccount.objects.for_user(user_id).filter(pk=account_id).first()
    if account is None:
        raise InvalidInput(_("There is no such account."))
    held = BotSettings.objects.for_user(user_id).filter(account_id=account_id).first()
    if held is None:
        held = BotSettings.objects.add_for(user_id, account=account)
    held.account = account
    return held


def limits_of(row: BotSettings) -> BotLimits:
    """Return a row's limits for the pure core."""
    return BotLimits(
        risk_percent=row.risk_percent,
        max_positions=row.max_positions,
        max_leverage=row.max_leverage,
        max_trades_day=row.max_trades_day,
        max_notional=row.max_notional,
        daily_loss_percent=row.daily_loss_percent,
        drawdown_percent=row.drawdown_percent,
        pause_after_stops=row.pause_after_stops,
        min_confidence=row.min_confidence,
        sides=row.sides,
        only_symbols=tuple(row.only_symbols),
        not_symbols=tuple(row.not_symbols),
        timeframes=tuple(row.timeframes),
        is_trailing=row.is_trailing,
    )


def as_text(row: BotSettings) -> dict[str, Any]:
    """Return every limit by name, numbers as text."""
    found: dict[str, Any] = {}
    for name in LIMITS:
        value = getattr(row, name)
        found[name] = plain(value) if isinstance(value, Decimal) else value
    return found


def checked(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the changes in their types.

    Raises
    ------
    InvalidInput
        If a name is unknown or a value out of range; the sentence says what may be.
    """
    return {name: _checked(name, value) for name, value in changes.items()}


def _checked(name: str, value: Any) -> Any:
    if name in _RANGES:
        return _decimal(name, value)
    if name in _COUNTS:
        return _count(name, value)
    if name in _FLAGS:
        if not isinstance(value, bool):
            raise InvalidInput(_("%(name)s is true or false.") % {"name": name})
        return value
    if name in _CHOICES:
        if value not in _CHOICES[name]:
            allowed = ", ".join(_CHOICES[name])
            raise InvalidInput(
                _("%(name)s is one of %(allowed)s.") % {"name": name, "allowed": allowed}
            )
        return value
    if name in _LISTS:
        return _names(name, value)
    if name == "min_confidence":
        return _confidence(value)
    raise InvalidInput(_("There is no limit called %(name)s.") % {"name": name[:40]})


def _decimal(name: str, value: Any) -> Decimal:
    low, high = _RANGES[name]
    try:
        if isinstance(value, bool | float):
            raise ValueError
        number = parse_decimal(str(value))
    except ValueError:
        number = high + 1
    if not low <= number <= high or number != number.quantize(Decimal("0.01")):
        raise InvalidInput(
            _("%(name)s is a number from %(low)s to %(high)s with at most two decimals.")
            % {"name": name, "low": low, "high": high}
        )
    return number


def _count(name: str, value: Any) -> int:
    low, high = _COUNTS[name]
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if not is_whole or not low <= value <= high:
        raise InvalidInput(
            _("%(name)s is a whole number from %(low)s to %(high)s.")
            % {"name": name, "low": low, "high": high}
        )
    return int(value)


def _confidence(value: Any) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= 0.95:
        raise InvalidInput(_("min_confidence is a number from 0 to 0.95."))
    return float(value)


def _names(name: str, value: Any) -> list[str]:
    is_list = isinstance(value, list | tuple) and len(value) <= 400
    if not is_list or not all(isinstance(n, str) and 0 < len(n) <= 32 for n in value):
        raise InvalidInput(_("%(name)s is a list of at most 400 names.") % {"name": name})
    if name == "timeframes" and not set(value) <= set(TIMEFRAMES):
        raise InvalidInput(_("timeframes are among 1m, 5m, 15m, 1h, 4h and 1d."))
    return sorted(set(value))


def raises_risk(row: BotSettings, values: Mapping[str, Any]) -> bool:
    """Say whether these values allow more than the row does now."""
    return any(name in values and values[name] > getattr(row, name) for name in _RISKIER_UP)


def save_limits(
    user_id: UUID, account_id: UUID, changes: Mapping[str, Any], now: datetime | None = None
) -> BotSettings:
    """Store changed limits.

    Raises
    ------
    InvalidInput, NotAllowed
        See `checked`; limits of real money do not rise within a day after a security change.
    """
    now = now or timezone.now()
    values = checked(changes)
    with transaction.atomic():
        row = settings_of(user_id, account_id)
        if raises_risk(row, values):
            check_rested(row.account, now)
        before = {name: as_text(row)[name] for name in values}
        for name, value in values.items():
            setattr(row, name, value)
        after = {name: as_text(row)[name] for name in values}
        changed = {
            name: [before[name], after[name]] for name in values if before[name] != after[name]
        }
        if changed:
            row.changed_at = now
            row.save(update_fields=[*values, "changed_at"])
            _record(row, "limits", _("Limits were changed."), changed, now)
    return row


def set_mode(
    user_id: UUID, account_id: UUID, mode: BotMode, now: datetime | None = None
) -> BotSettings:
    """Say what the bot does: trading, exits only, or nothing."""
    now = now or timezone.now()
    with transaction.atomic():
        row = settings_of(user_id, account_id)
        if row.mode == mode.value:
            return row
        if mode is BotMode.TRADING:
            check_rested(row.account, now)
        before, row.mode, row.changed_at = row.mode, mode.value, now
        row.save(update_fields=["mode", "changed_at"])
        sentence = {
            BotMode.TRADING: _("The bot takes new entries again."),
            BotMode.EXITS_ONLY: _("The bot takes no new entries and manages what is open."),
            BotMode.OFF: _("The bot does nothing; stops rest on the exchange."),
        }[mode]
        _record(row, "mode", sentence, {"mode": [before, mode.value]}, now)
    return row


def set_automatic(
    user_id: UUID, account_id: UUID, is_on: bool, now: datetime | None = None
) -> BotSettings:
    """Let the bot take signals by itself, or not any more.

    Raises
    ------
    NotAllowed
        Before ten paper trades, on a live account before the quiz is passed, without the right to
        a bot, on an account that is not connected, or within a day after a security change.
    """
    now = now or timezone.now()
    with transaction.atomic():
        row = settings_of(user_id, account_id)
        if row.is_automatic == is_on:
            return row
        if is_on:
            _check_automatic(row, now)
        row.is_automatic, row.changed_at = is_on, now
        row.save(update_fields=["is_automatic", "changed_at"])
        sentence = _("The bot takes signals by itself.") if is_on else _("The bot is switched off.")
        _record(row, "automation", sentence, {"is_automatic": is_on}, now)
    return row


def _check_automatic(row: BotSettings, now: datetime) -> None:
    billing.require(row.user_id, Feature.BOT)
    code, missing = automation_held(row.user_id, row.account.venue)
    if missing:
        raise NotAllowed(missing, code=code)
    if row.account.state != AccountState.CONNECTED.value:
        raise NotAllowed(_("Connect the account first; its key page says what is missing."))
    check_rested(row.account, now)


def check_rested(account: TradingAccount, now: datetime) -> None:
    """Refuse what opens risk within a day after a password or second factor was changed."""
    if account.venue == Venue.PAPER.value:
        return
    user = accounts.user_by_id(account.user_id)
    changed_at = user.security_changed_at if user else None
    if changed_at is not None and now - changed_at < REST:
        raise NotAllowed(
            _(
                "Your password or second factor was changed. This opens again on "
                "%(at)s UTC; what is open is managed as before."
            )
            % {"at": f"{changed_at + REST:%Y-%m-%d %H:%M}"},
            code="resting",
        )


def _record(
    row: BotSettings, what: str, sentence: str, changed: dict[str, Any], now: datetime
) -> None:
    note(row.account, what, sentence, now=now, actor="user", details=changed)
    accounts.audit(
        f"trading_{what}",
        subject_id=row.user_id,
        actor_id=row.user_id,
        actor_kind="user",
        details={"account": str(row.account_id), "venue": row.account.venue, "changed": changed},
    )
    ring(row.user_id)


def paper_wallet() -> Decimal:
    """Return what a paper account begins with, USDT."""
    return Decimal(settings.PAPER_WALLET)
