"""The permission test of a key: seven questions, each answered in words.

Run by the executor, the only process that can sign. What fails names the box to change. Nothing is
traded: the order is validated and not placed, and the stop is one that cannot open anything.
"""

import asyncio
import base64
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from time import perf_counter
from typing import Final
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from cryptosystems.kernel.clock import to_datetime
from cryptosystems.kernel.decimals import round_to_step, round_to_tick
from trading.contracts import Venue
from trading.domain.venue import (
    KeyRights,
    OrderKind,
    OrderRequest,
    OrderSide,
    Outcome,
    OutcomeClass,
    PositionSide,
    Quote,
    Service,
    TradingRules,
    VenueAccount,
)
from trading.exchanges.port import ExchangePort, KeyRefused, ReadFailed
from trading.executor.database import Database
from trading.models import TradingAccount
from trading.services import keys

FAR: Final = Decimal("0.80")
"""Where the test stop lies, as a share of the mark price."""
REPEATED: Final = ("signature", "futures", "withdrawals", "addresses")
"""What is asked again each day: whether the key works, and whether its rights have grown."""
_LOOKS: Final = 6
_PAUSE_S: Final = 0.5
_CAUSES: Final = {
    -2015: _lazy(
        "The exchange refuses the key: its id is wrong, it was deleted, futures are not enabled, or "
        "it is bound to addresses that are not ours. Compare the id, enable futures, and enter our "
        "addresses in its restriction."
    ),
    -2014: _lazy("The key's id has a wrong form. Copy it once more from API Management."),
    -1022: _lazy(
        "The signature does not fit. Ed25519: the public key registered there is not the one shown "
        "here. HMAC: the secret is another key's."
    ),
    -1021: _lazy(
        "Our clock and the exchange's differ too much. It is not your key; try again later."
    ),
    -4192: _lazy("The exchange has paused trading for this account (cooling-off period)."),
}
_BOXES: Final = (
    ("withdrawals", _lazy("This key may withdraw. Clear “Enable Withdrawals”.")),
    (
        "internal_transfer",
        _lazy("This key may pay out internally. Clear “Enable Internal Transfer”."),
    ),
    (
        "universal_transfer",
        _lazy("This key may move funds. Clear “Permits Universal Transfer”."),
    ),
    (
        "spot_and_margin",
        _lazy("This key may trade spot and margin. Clear “Enable Spot & Margin Trading”."),
    ),
    ("margin_loans", _lazy("This key may borrow. Clear “Enable Margin Loan, Repay & Transfer”.")),
    ("options", _lazy("This key may trade options. Clear “Enable European Options”.")),
    (
        "portfolio_margin",
        _lazy("This key may use portfolio margin. Clear “Enable Portfolio Margin Trading”."),
    ),
)


class _Failed(Exception):
    """A check that did not pass: stable code, sentence for the person."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code, self.sentence = code, sentence


class _Later(Exception):
    """The exchange did not answer: the test is run again, nothing is concluded."""


@dataclass(slots=True)
class KeyTest:
    """One run over one account."""

    port: ExchangePort
    account: TradingAccount
    database: Database
    now_ms: Callable[[], int]
    rules: TradingRules
    quote: Callable[[], Quote | None]
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    is_repeated: bool = False
    """Asked again of an account that works: it is read only, and its lines change at the end."""
    failed: list[tuple[str, str]] = field(default_factory=list)
    rights: KeyRights | None = None
    held: VenueAccount | None = None

    async def run(self) -> bool:
        """Ask everything; conclude. False: the exchange did not answer, ask again later."""
        questions: tuple[tuple[str, Callable[[], Awaitable[str]]], ...] = (
            ("signature", self._signature),
            ("reading", self._reading),
            ("futures", self._futures),
            ("withdrawals", self._withdrawals),
            ("addresses", self._addresses),
            ("position_mode", self._position_mode),
            ("stop_order", self._stop_order),
        )
        for name, question in questions:
            if name == "stop_order" and self.failed:
                break  # a key that is refused anyway places nothing
            if self.is_repeated and name not in REPEATED:
                continue
            if name != "signature" and self.held is None:
                break  # not even the account could be read: nothing below can be known
            if not await self._ask(name, question):
                return False
        await self.database.run(self._conclude)
        return True

    async def _ask(self, name: str, question: Callable[[], Awaitable[str]]) -> bool:
        if not self.is_repeated:
            await self._write(name, "running", "")
        began = perf_counter()
        try:
            state, code, sentence = "passed", "", await question()
        except _Failed as failure:
            state, code, sentence = "failed", failure.code, failure.sentence
        except KeyRefused as refusal:
            number = refusal.exchange_code or 0
            state, code = "failed", "key_refused"
            said = _CAUSES.get(number)
            sentence = (
                str(said)
                if said
                else _("The exchange refuses the key (%(code)s).") % {"code": number}
            )
        except (ReadFailed, _Later):
            if not self.is_repeated:
                sentence = _("The exchange does not answer; we try again.")
                await self._write(name, "not_run", sentence)
            return False
        took = round((perf_counter() - began) * 1000)
        if state == "failed":
            self.failed.append((code, sentence))
        await self._write(name, state, sentence, code, took)
        return True

    async def _write(
        self, name: str, state: str, sentence: str, code: str = "", took: int | None = None
    ) -> None:
        await self.database.run(
            keys.record_check,
            self.account,
            name,
            state,
            sentence,
            now=to_datetime(self.now_ms()),
            code=code,
            took_ms=took,
        )

    # --- the questions --------------------------------------------------------------------------

    async def _signature(self) -> str:
        self.held = await self.port.account()
        return _("The exchange accepts what this key signs, and the clocks agree.")

    async def _reading(self) -> str:
        await self.port.positions()
        await self.port.open_orders()
        if not self.held or not self.held.can_trade:
            raise _Failed("cannot_trade", _("The exchange says that this account may not trade."))
        return _("Balance, positions and orders can be read.")

    async def _futures(self) -> str:
        if self.account.venue != Venue.DEMO.value:
            self.rights = await self.port.rights()
            if not self.rights.futures or not self.rights.reading:
                raise _Failed(
                    "futures_off",
                    _("Futures are not enabled. Tick “Enable Reading” and “Enable Futures”."),
                )
        if self.is_repeated:
            return _("Futures are enabled.")
        outcome = await self.port.test_order(self._order(OrderKind.MARKET))
        _require(outcome)
        return _("A test order was validated and not placed.")

    async def _withdrawals(self) -> str:
        if self.rights is None:
            return _("The demo exchange moves no real money and does not tell a key's rights.")
        for name, sentence in _BOXES:
            if getattr(self.rights, name):
                advice = _("At the exchange open API Management, edit this key, save, test again.")
                raise _Failed(f"right_{name}", f"{sentence} {advice}")
        return _("This key cannot withdraw or move funds.")

    async def _addresses(self) -> str:
        if self.rights is None:
            return _("The demo exchange does not tell whether the key is bound to addresses.")
        if not self.rights.is_ip_restricted:
            raise _Failed(
                "not_bound",
                _(
                    "The key works from anywhere. Choose “Restrict access to trusted IPs only” and "
                    "enter %(addresses)s. A key without this lapses after 30 days."
                )
                % {"addresses": ", ".join(keys.egress_addresses())},
            )
        return _("Bound to addresses; requests from ours are accepted.")

    async def _position_mode(self) -> str:
        assert self.held is not None
        if self.held.has_multi_assets:
            raise _Failed(
                "multi_assets",
                _("The account is in Multi-Assets mode. Choose Single-Asset mode in its settings."),
            )
        if self.held.is_hedged:
            raise _Failed(
                "hedge_mode",
                _(
                    "The account is in hedge mode; we trade in one-way mode and never switch it for "
                    "you. Close what is open, then choose one-way mode in the futures settings."
                ),
            )
        return _("One-way mode, single asset.")

    async def _stop_order(self) -> str:
        request = self._order(OrderKind.STOP_MARKET)
        placed = await self.port.submit(request)
        if placed.kind not in (OutcomeClass.ACCEPTED, OutcomeClass.ALREADY, OutcomeClass.UNKNOWN):
            _require(placed)
        seen = await self._is_there(request, wanted=True)
        await self.port.cancel(request.symbol, request.client_id, Service.ALGO)
        gone = await self._is_there(request, wanted=False)
        if not seen:
            raise _Failed(
                "stop_not_seen",
                _("A stop was sent and the exchange does not show it. No trade without a stop."),
            )
        if not gone:
            raise _Failed(
                "stop_not_cancelled",
                _("The test stop could not be cancelled. It can open nothing; cancel it by hand."),
            )
        return _("A stop rested at the exchange, was seen, and is cancelled.")

    async def _is_there(self, request: OrderRequest, *, wanted: bool) -> bool:
        """Ask until the order is there (or gone); reads lag writes by a second or so."""
        for _look in range(_LOOKS):
            found = await self.port.order(request.symbol, request.client_id, Service.ALGO)
            resting = found is not None and found.state.is_resting
            if resting == wanted:
                return True
            await self.pause(_PAUSE_S)
        return False

    def _order(self, kind: OrderKind) -> OrderRequest:
        quote = self.quote()
        if quote is None:
            raise _Later
        least = max(self.rules.min_quantity, self.rules.min_notional * 2 / quote.mark)
        quantity = round_to_step(least, self.rules.step) + self.rules.step
        is_stop = kind is OrderKind.STOP_MARKET
        return OrderRequest(
            client_id=_check_id(self.account.pk, self.now_ms()),
            symbol=self.rules.symbol,
            side=OrderSide.SELL if is_stop else OrderSide.BUY,
            kind=kind,
            quantity=quantity,
            trigger_price=round_to_tick(quote.mark * FAR, self.rules.tick) if is_stop else None,
            reduce_only=is_stop,
            position_side=PositionSide.BOTH,
        )

    # --- the end --------------------------------------------------------------------------------

    def _conclude(self) -> None:
        rights = self.rights
        told = (
            {}
            if rights is None
            else {
                name: bool(getattr(rights, name))
                for name in (
                    *(box for box, _sentence in _BOXES),
                    "reading",
                    "futures",
                )
            }
        )
        keys.conclude(
            self.account,
            failed=self.failed,
            rights=told,
            is_ip_restricted=None if rights is None else rights.is_ip_restricted,
            expires_at=_expiry(rights),
            uid=self.held.uid if self.held else "",
            now=to_datetime(self.now_ms()),
        )


def _expiry(rights: KeyRights | None) -> datetime | None:
    if rights is None:
        return None
    if rights.expires_ms is not None:
        return to_datetime(rights.expires_ms)
    if rights.is_ip_restricted:
        return None
    return to_datetime(rights.created_ms) + keys.LAPSES


def _check_id(account_id: UUID, now_ms: int) -> str:
    """Return the id of a test's order: ours by its prefix, so that a leftover is cleaned up."""
    digest = hashlib.blake2s(f"{account_id}/{now_ms}".encode(), digest_size=10).digest()
    return "cs-k-" + base64.b32encode(digest).decode().lower()


def _require(outcome: Outcome) -> None:
    """Raise what a refusal or a silence means for the test."""
    if outcome.kind in (OutcomeClass.ACCEPTED, OutcomeClass.ALREADY):
        return
    if outcome.kind is not OutcomeClass.REJECTED:
        raise _Later
    cause = _CAUSES.get(outcome.code or 0)
    raise _Failed(
        "refused",
        str(cause)
        if cause
        else _("The exchange refuses it: %(message)s") % {"message": outcome.message[:120]},
    )
