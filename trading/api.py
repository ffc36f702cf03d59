"""The door of the trading room."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from cryptosystems.kernel.decimals import plain
from cryptosystems.kernel.errors import InvalidInput
from signals import api as signals
from trading.contracts import (
    AccountView,
    BotMode,
    BotView,
    CheckView,
    ComparisonView,
    ExecutorStatus,
    FillLine,
    PositionView,
    ProgressView,
    StopMode,
    TradeDetail,
    TradeLine,
    TradeState,
    Venue,
)
from trading.domain import preview as _preview
from trading.domain.calculators import (
    Liquidation,
    PositionSize,
    TierTable,
    funding_cost,
    isolated_wallet,
    least_account,
    liquidation,
    plan_reward,
    position_result,
    position_size,
    subscription_sums,
)
from trading.models import BotSettings, Trade
from trading.selectors import accounts as _accounts
from trading.selectors import bots, live, progress, trades
from trading.selectors import tiers as _tiers
from trading.selectors.ladder import rung_of
from trading.services import export, manual, offers, settings, stops
from trading.services import follow as following
from trading.services import keys as _keys
from trading.services.export import TradeFile

__all__ = [
    "Liquidation",
    "PositionSize",
    "TierTable",
    "funding_cost",
    "isolated_wallet",
    "least_account",
    "liquidation",
    "plan_reward",
    "position_result",
    "position_size",
    "subscription_sums",
]

# --- calculators ----------------------------------------------------------------------------


def tier_table(symbol: str) -> TierTable:
    """Return filters and tiers of a symbol at the exchange that runs here, or a stated example."""
    return _tiers.tier_table(_tiers.market_venue(), symbol)


# --- accounts -------------------------------------------------------------------------------


def paper_account(user_id: UUID) -> AccountView:
    """Return somebody's paper account, made at the first question."""
    return _accounts.account_view(settings.paper_account(user_id))


def accounts_of(user_id: UUID) -> list[AccountView]:
    """Return somebody's accounts, paper first."""
    settings.paper_account(user_id)
    return _accounts.accounts_of(user_id)


def account(user_id: UUID, account_id: UUID) -> AccountView | None:
    """Return one account of somebody, or None."""
    return _accounts.account(user_id, account_id)


# --- the bot --------------------------------------------------------------------------------


def bot_view(user_id: UUID, account_id: UUID) -> BotView:
    """Return how a bot stands; InvalidInput if this person has no such account."""
    return _bot(settings.settings_of(user_id, account_id))


def _bot(row: BotSettings) -> BotView:
    switch = stops.mode_for(row.user_id, "", "")
    return bots.bot_view(row, settings.as_text(row), switch, settings.paper_wallet())


def save_limits(user_id: UUID, account_id: UUID, changes: Mapping[str, Any]) -> BotView:
    """Store changed limits; InvalidInput says what may be, NotAllowed when."""
    return _bot(settings.save_limits(user_id, account_id, changes))


def raises_risk(user_id: UUID, account_id: UUID, changes: Mapping[str, Any]) -> bool:
    """Say whether changes allow more risk on real money than now: they need a fresh second factor."""
    row = settings.settings_of(user_id, account_id)
    return row.account.venue != "paper" and settings.raises_risk(row, settings.checked(changes))


def set_mode(user_id: UUID, account_id: UUID, mode: BotMode) -> BotView:
    """Say what the bot does."""
    return _bot(settings.set_mode(user_id, account_id, mode))


def set_automatic(user_id: UUID, account_id: UUID, is_on: bool) -> BotView:
    """Let the bot take signals by itself, or not any more; NotAllowed says what opens it."""
    return _bot(settings.set_automatic(user_id, account_id, is_on))


def preview(user_id: UUID, account_id: UUID, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return what limits would mean in money, stored by nothing."""
    row = settings.settings_of(user_id, account_id)
    for name, value in settings.checked(changes).items():
        setattr(row, name, value)
    view = _bot(row)
    found = _preview.preview(
        settings.limits_of(row),
        view.equity or settings.paper_wallet(),
        rung_of(user_id, account_id).cap_percent,
        lost_today=view.lost_today,
        n_open=view.n_open,
    )
    texts = asdict(found)
    numbers = {name: plain(value) for name, value in texts.items() if name != "sentences"}
    return {**numbers, "sentences": list(found.sentences), "is_measured": view.equity is not None}


def flatten(user_id: UUID, account_id: UUID) -> int:
    """Close everything of ours on an account and switch its bot off; return how many trades."""
    return manual.flatten(user_id, account_id)


def resume(user_id: UUID, account_id: UUID) -> BotView:
    """End a pause by hand."""
    return _bot(manual.resume(user_id, account_id))


def reset_paper(user_id: UUID) -> None:
    """Begin the paper account anew; NotAllowed while something is open."""
    manual.reset_paper(user_id)


# --- trades ---------------------------------------------------------------------------------


def positions_of(user_id: UUID, account_id: UUID | None = None) -> list[PositionView]:
    """Return what is open."""
    return trades.positions_of(user_id, account_id)


def trades_of(
    user_id: UUID,
    *,
    account_id: UUID | None = None,
    state: str | None = None,
    before: datetime | None = None,
    limit: int = 50,
) -> tuple[list[TradeLine], datetime | None]:
    """Return (trades, newest first; the cursor of the next page or None)."""
    return trades.trades_of(user_id, account_id=account_id, state=state, before=before, limit=limit)


def trade(user_id: UUID, trade_id: UUID) -> TradeDetail | None:
    """Return everything about one trade of somebody, or None."""
    return trades.detail(user_id, trade_id)


def fill_lines(
    user_id: UUID,
    *,
    account_id: UUID | None = None,
    since: datetime | None = None,
    limit: int = 200,
) -> list[FillLine]:
    """Return fills, placed stops and what was passed over, the newest first."""
    return trades.fill_lines(user_id, account_id=account_id, since=since, limit=limit)


def trade_file(user_id: UUID, *, account_id: UUID | None = None) -> TradeFile:
    """Return a year of trades to be sent as a file; InvalidInput and Throttled say when not."""
    return export.open_file(user_id, account_id=account_id)


def follow(user_id: UUID, signal_id: UUID) -> TradeLine:
    """Follow a signal on paper; twice is once."""
    return trades.lines([following.follow(user_id, signal_id)])[0]


def followed(user_id: UUID, signal_ids: Iterable[UUID]) -> dict[UUID, TradeLine]:
    """Return what somebody follows by hand, or their paper account's bot took, among these."""
    rows = Trade.objects.for_user(user_id).filter(
        Q(how="by_hand") | Q(venue=Venue.PAPER.value), signal_id__in=list(signal_ids)
    )
    return {line.signal_id: line for line in trades.lines(list(rows))}


def close_trade(user_id: UUID, trade_id: UUID) -> TradeLine:
    """Ask for a trade to be closed at market."""
    return trades.lines([manual.close_trade(user_id, trade_id)])[0]


def approve(user_id: UUID, trade_id: UUID) -> TradeLine:
    """Say yes to an offered trade."""
    return trades.lines([offers.approve(user_id, trade_id)])[0]


def decline(user_id: UUID, trade_id: UUID) -> TradeLine:
    """Say no to an offered trade."""
    return trades.lines([offers.decline(user_id, trade_id)])[0]


def offers_of(user_id: UUID) -> list[TradeLine]:
    """Return trades that wait for an answer, the oldest first."""
    rows = Trade.objects.for_user(user_id).filter(
        state=TradeState.OFFERED.value, approved_at__isnull=True, offer_until__gt=timezone.now()
    )
    return trades.lines(list(rows.order_by("offer_until")))


def comparison(user_id: UUID, account_id: UUID) -> ComparisonView:
    """Return my fills of one account against the model, in R."""
    ids = bots.signals_of(user_id, account_id)
    return bots.comparison(user_id, account_id, signals.model_results(ids))


def progress_of(user_id: UUID) -> ProgressView:
    """Return where somebody stands on the way to automation."""
    return progress.progress_of(user_id)


def live_state(user_id: UUID) -> dict[str, Any]:
    """Return what the socket topic `account` carries of trading."""
    return live.live_state(user_id)


# --- staff ----------------------------------------------------------------------------------


def executor_status() -> ExecutorStatus:
    """Return how execution stands."""
    return bots.executor_status()


def throw_switch(scope: str, key: str, mode: StopMode, reason: str, *, staff_id: UUID) -> None:
    """Throw a kill switch for a person, a symbol or a model version."""
    if scope == "user":
        try:
            key = str(UUID(key))
        except ValueError:
            raise InvalidInput(_("Name the person by id.")) from None
    stops.throw(scope, key, mode, reason, by=staff_id, now=timezone.now())


# --- keys -----------------------------------------------------------------------------------


def vault_keys_needed() -> dict[str, int]:
    """Return how many stored exchange keys need each vault key."""
    return _accounts.vault_keys_needed()


def venues_offered() -> list[Venue]:
    """Return where an account can be connected beside paper."""
    return _keys.venues_offered()


def egress_addresses() -> tuple[str, ...]:
    """Return the addresses the executor comes from."""
    return _keys.egress_addresses()


def begin_key(user_id: UUID, *, kind: str, venue: str, label: str) -> AccountView:
    """Begin to connect an account; for Ed25519 the view holds the public key to register."""
    made = _keys.begin_key(user_id, kind=kind, venue=venue, label=label)
    return _accounts.account_view(made)


def finish_key(user_id: UUID, account_id: UUID, api_key: str, secret: str = "") -> AccountView:
    """Take the key's id (of an HMAC key the secret too) and ask for the permission test."""
    return _accounts.account_view(_keys.finish_key(user_id, account_id, api_key, secret))


def test_key(user_id: UUID, account_id: UUID) -> AccountView:
    """Ask for the permission test once more."""
    return _accounts.account_view(_keys.test_key(user_id, account_id))


def revoke_key(user_id: UUID, account_id: UUID) -> AccountView:
    """Stop using a key and overwrite its secret; NotAllowed while something is open."""
    return _accounts.account_view(_keys.revoke_key(user_id, account_id))


def checks_of(user_id: UUID, account_id: UUID) -> list[CheckView]:
    """Return the lines of the permission test."""
    return _accounts.checks_of(user_id, account_id)


def blast_radius(user_id: UUID, account_id: UUID) -> list[tuple[str, str, bool]]:
    """Return what a thief could do with a key: (what, answer, is it bad)."""
    return _keys.blast_radius(user_id, account_id)
