"""What pages about trading have in common: accounts as tabs, positions beside the market."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.urls import reverse

from frontend.trading_context import AccountTab, PositionRow
from signals import api as signals
from trading import api as trading
from trading.contracts import AccountView, PositionView, StopProof, Venue

_TROUBLED: Final = (StopProof.UNCONFIRMED, StopProof.FLATTENING)


def living_accounts(user_id: UUID) -> list[AccountView]:
    """Return someone's accounts in the order of the venues; revoked ones are not among them."""
    order = list(Venue)
    held = trading.accounts_of(user_id)
    return sorted(held, key=lambda account: (order.index(account.venue), account.created_at))


def account_tabs(
    accounts: Iterable[AccountView], current: UUID | None, page: str, *, with_vacant: bool
) -> tuple[AccountTab, ...]:
    """Return a tab for each account, and for each venue on offer where there is none yet."""
    accounts, offered = list(accounts), trading.venues_offered()
    tabs = []
    for venue in Venue:
        mine = [account for account in accounts if account.venue is venue]
        for account in mine:
            link = _link(page, account)
            is_current = account.id == current
            label = "" if venue is Venue.PAPER else account.label
            tabs.append(AccountTab(venue, label, account.id, link, is_current))
        if with_vacant and not mine and venue in offered:
            tabs.append(AccountTab(venue, "", None, reverse("frontend:api-keys"), False))
    return tuple(tabs)


def _link(page: str, account: AccountView) -> str:
    if page == "orders":
        return f"{reverse('frontend:orders')}?account={account.id}"
    if account.venue is Venue.PAPER:
        return reverse("frontend:bot")
    return reverse("frontend:bot-of", args=[account.id])


def marks(symbols: Iterable[str]) -> dict[str, Decimal]:
    """Return the mark prices that the engine last gave; empty while it is silent."""
    wanted = set(symbols)
    if not wanted:
        return {}
    found = {}
    for row in signals.market_rows():
        price: Any = row["mark"] if row.get("mark") is not None else row["price"]
        if row["symbol"] in wanted and price is not None:
            found[row["symbol"]] = Decimal(str(price))
    return found


def position_rows(positions: Iterable[PositionView]) -> tuple[PositionRow, ...]:
    """Return positions beside the market of now."""
    positions = list(positions)
    prices = marks(position.symbol for position in positions)
    return tuple(position_row(position, prices.get(position.symbol)) for position in positions)


def position_row(position: PositionView, mark: Decimal | None) -> PositionRow:
    """Return one position with its result in R at a mark price, and how far its stop is."""
    if mark is None or mark <= 0:
        return PositionRow(position, None, None, None)
    sign = 1 if position.side == "long" else -1
    now_r = None
    if position.r_distance > 0:
        now_r = sign * (mark - position.entry_price) / position.r_distance
    return PositionRow(position, mark, now_r, sign * (mark - position.stop_price) / mark)


def is_troubled(row: PositionRow) -> bool:
    """Say whether a person should look at it now."""
    return row.view.proof in _TROUBLED
