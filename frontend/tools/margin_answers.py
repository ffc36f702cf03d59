"""Liquidation price and position size, in words."""

from decimal import Decimal
from typing import Final

from django.utils.translation import gettext as _

from cryptosystems.kernel.decimals import decimals_of
from cryptosystems.kernel.instruments import Side
from frontend.tools.answer import Advice, Answer, Figure, Line, Step, marks_of
from frontend.tools.forms import LiquidationForm, SizeForm
from frontend.tools.words import (
    TIMES,
    fixed,
    multiple,
    number,
    percent,
    signed_usdt,
    tone,
    usdt,
)
from trading import api as trading
from trading.api import Liquidation, PositionSize, TierTable

_HIGH: Final = 20
"""From this leverage on a short spike is enough."""


def price_places(table: TierTable, *prices: Decimal | None) -> int:
    """Return how many decimals a price takes: the tick's, a cent at least, and what was typed."""
    typed = [decimals_of(price) for price in prices if price is not None and price]
    return min(12, max(2, decimals_of(table.tick), *typed, 0))


def liquidation_answer(form: LiquidationForm, table: TierTable) -> Answer:
    """Return where the position is liquidated, and the formula with its numbers."""
    given = form.cleaned_data
    side, entry, quantity = Side(given["side"]), given["entry"], given["quantity"]
    notional, leverage = entry * quantity, given["leverage"]
    if notional > table.max_notional:
        form.add_error(
            "quantity",
            _("The largest position here is %(most)s USDT; this is %(asked)s USDT.")
            % {"most": fixed(table.max_notional, 0), "asked": fixed(notional, 0)},
        )
    elif given["margin"] == "isolated":
        _check_leverage(form, table, notional)
    if form.errors:
        return Answer((), (), ())
    if given["margin"] == "isolated":
        wallet = trading.isolated_wallet(
            notional, leverage, form.fraction("fee"), form.amount("added")
        )
    else:
        wallet = form.amount("wallet") - form.amount("others_maintenance")
        wallet += form.amount("others_unrealised") - notional * form.fraction("fee")
    found = trading.liquidation(table.tiers, side, entry, quantity, wallet)
    places = price_places(table, entry)
    return Answer(
        figures=(
            Figure(
                _("Liquidation price"),
                fixed(found.price, places) if found.price else _("none"),
                _("%(distance)s from entry, at the mark price")
                % {"distance": percent(found.distance)}
                if found.price
                else _("The margin covers the whole way to zero."),
                "down" if found.is_liquidated_at_once else "",
            ),
            Figure(_("Position"), usdt(notional), f"{number(quantity)} {table.base}"),
        ),
        lines=(
            Line(_("Margin that stands for it"), usdt(wallet)),
            Line(_("Maintenance margin at that price"), usdt(found.maintenance)),
            Line(
                _("Tier at that price"),
                _("up to %(cap)s USDT") % {"cap": fixed(found.tier.cap, 0)},
            ),
            Line(_("Maintenance rate"), percent(found.tier.maintenance_rate)),
            Line(_("Maintenance amount"), usdt(found.tier.maintenance_amount)),
            Line(_("Largest leverage in this tier"), f"{found.tier.max_leverage}{TIMES}"),
        ),
        steps=(
            _wallet_step(form, notional, wallet),
            _liquidation_step(found, places),
        ),
        advice=_liquidation_advice(found),
        marks=marks_of(
            [
                (_("Liquidation"), found.price, fixed(found.price, places), "down"),
                (_("Entry"), entry, fixed(entry, places), "ink"),
            ]
        )
        if found.price
        else (),
        said=_("To scale: liquidation %(liquidation)s, entry %(entry)s.")
        % {"liquidation": fixed(found.price, places), "entry": fixed(entry, places)},
        table=table,
        tier_floor=found.tier.floor,
    )


def size_answer(form: SizeForm, table: TierTable) -> Answer:
    """Return how large the position may be, and what it loses and gains."""
    given = form.cleaned_data
    entry, stop, target = given["entry"], given["stop"], given.get("target")
    if given["leverage"] > table.max_leverage:
        _check_leverage(form, table, Decimal(0))
        return Answer((), (), ())
    found = trading.position_size(
        account=given["account"],
        risk_rate=form.fraction("risk"),
        entry=entry,
        stop=stop,
        leverage=int(given["leverage"]),
        fee_rate=form.fraction("fee"),
        table=table,
    )
    if found.notional > table.max_notional:
        form.add_error(
            "account",
            _("That makes a position of %(asked)s USDT; the largest here is %(most)s USDT.")
            % {"most": fixed(table.max_notional, 0), "asked": fixed(found.notional, 0)},
        )
    else:
        _check_leverage(form, table, found.notional)
    if form.errors:
        return Answer((), (), ())
    places = price_places(table, entry, stop, target)
    liquidation = found.liquidation.price if found.liquidation else None
    marks = _size_marks(form, liquidation, places)
    return Answer(
        figures=(
            Figure(_("Position"), f"{number(found.quantity)} {table.base}", usdt(found.notional)),
            Figure(
                _("Liquidation price"),
                fixed(liquidation, places) if liquidation else _("none"),
                _liquidation_note(found.liquidation, is_first=found.is_liquidated_first),
                "down" if found.is_liquidated_first else "",
            ),
        ),
        lines=_size_lines(form, found),
        steps=_size_steps(form, found, table),
        advice=_size_advice(form, found, table),
        marks=marks_of(marks),
        said=_("To scale: %(prices)s.")
        % {"prices": ", ".join(f"{name} {text}" for name, _price, text, _tone in marks)},
        table=table,
        tier_floor=found.liquidation.tier.floor if found.liquidation else None,
    )


def _size_lines(form: SizeForm, found: PositionSize) -> tuple[Line, ...]:
    given = form.cleaned_data
    lines = [
        Line(_("Side"), _("long") if found.side is Side.LONG else _("short")),
        Line(_("Loss at the stop, with fees"), signed_usdt(-found.loss), "down"),
    ]
    if given.get("target") is not None and found.quantity:
        gain = trading.position_result(
            side=found.side,
            entry=given["entry"],
            exit_price=given["target"],
            quantity=found.quantity,
            leverage=given["leverage"],
            entry_fee_rate=form.fraction("fee"),
            exit_fee_rate=form.fraction("fee"),
        ).net
        lines += [
            Line(_("Gain at the target, with fees"), signed_usdt(gain), tone(gain)),
            Line(_("The same in multiples of the loss"), multiple(gain / found.loss)),
        ]
    most = f"{found.max_leverage}{TIMES}" if found.max_leverage else _("none")
    return (
        *lines,
        Line(_("Margin at %(n)s×") % {"n": number(given["leverage"])}, usdt(found.margin)),
        Line(_("Largest leverage for this stop"), most),
    )


def _size_steps(form: SizeForm, found: PositionSize, table: TierTable) -> tuple[Step, ...]:
    given = form.cleaned_data
    entry, stop = number(given["entry"]), number(given["stop"])
    return (
        Step(
            _("Risk = account × risk"),
            f"{number(given['account'])} × {number(given['risk'])}% = {usdt(found.risk)}",
        ),
        Step(
            _("A unit loses |entry − stop| + fee × (entry + stop)"),
            f"|{entry} − {stop}| + {number(given['fee'])}% × ({entry} + {stop}) = "
            f"{number(found.per_unit, 8)} USDT",
        ),
        Step(
            _("Quantity = risk ÷ loss of a unit, cut to steps of %(step)s")
            % {"step": number(table.step)},
            f"{number(found.risk, 8)} ÷ {number(found.per_unit, 8)} → "
            f"{number(found.quantity)} {table.base}",
        ),
    )


def _size_marks(
    form: SizeForm, liquidation: Decimal | None, places: int
) -> list[tuple[str, Decimal, str, str]]:
    given = form.cleaned_data
    prices = [
        (_("Stop"), given["stop"], "down"),
        (_("Entry"), given["entry"], "ink"),
        (_("Liquidation"), liquidation or None, "down"),
        (_("Target"), given.get("target"), "up"),
    ]
    return [
        (name, price, fixed(price, places), colour)
        for name, price, colour in prices
        if price is not None
    ]


def _check_leverage(form: LiquidationForm | SizeForm, table: TierTable, notional: Decimal) -> None:
    """Refuse a leverage that the exchange does not allow for a position of this size."""
    allowed = max(
        (tier.max_leverage for tier in table.tiers if tier.cap >= notional),
        default=table.max_leverage,
    )
    if form.cleaned_data["leverage"] > allowed:
        form.add_error(
            "leverage",
            _("At most %(most)s× for a position of this size.") % {"most": allowed},
        )


def _wallet_step(form: LiquidationForm, notional: Decimal, wallet: Decimal) -> Step:
    fee = f"{number(notional)} × {number(form.amount('fee'))}%"
    if form.cleaned_data["margin"] == "isolated":
        added = f" + {number(form.amount('added'))}" if form.amount("added") else ""
        return Step(
            _("W = notional ÷ leverage − opening fee + margin added"),
            f"{number(notional)} ÷ {number(form.cleaned_data['leverage'])} − {fee}{added}"
            f" = {usdt(wallet)}",
        )
    return Step(
        _("W = wallet − opening fee − maintenance of others + unrealised result of others"),
        f"{number(form.amount('wallet'))} − {fee} − {number(form.amount('others_maintenance'))}"
        f" + {number(form.amount('others_unrealised'))} = {usdt(wallet)}",
    )


def _liquidation_step(found: Liquidation, places: int) -> Step:
    sign, rate = found.side.sign, number(found.tier.maintenance_rate)
    wallet, amount = number(found.wallet, 8), number(found.tier.maintenance_amount)
    quantity, entry = number(found.quantity), number(found.entry)
    minus = "−" if sign > 0 else "+"
    return Step(
        _("LP = (W + amount − s·q·entry) ÷ (q·(rate − s)), s = 1 for a long, −1 for a short"),
        f"({wallet} + {amount} {minus} {quantity} × {entry}) ÷ "
        f"({quantity} × ({rate} {minus} 1)) = {fixed(found.price, places)}",
    )


def _liquidation_advice(found: Liquidation) -> Advice:
    if found.is_liquidated_at_once:
        return Advice(
            "bad",
            _(
                "The margin does not carry this position even at its entry: the exchange would "
                "refuse or close it at once."
            ),
        )
    if not found.price:
        return Advice("ok", _("No price above zero liquidates this position."))
    if found.distance * _HIGH < 1:
        return Advice(
            "warn",
            _(
                "A move of %(distance)s ends this position. Moves of that size are common "
                "within a day."
            )
            % {"distance": percent(found.distance)},
        )
    return Advice(
        "info",
        _(
            "Liquidation is judged at the mark price, not at the last trade. The exchange's own "
            "figure counts funding and other fees too: read it there after the fill."
        ),
    )


def _liquidation_note(found: Liquidation | None, *, is_first: bool) -> str:
    if found is None:
        return ""
    if is_first:
        return _("past your stop: liquidated first")
    if not found.price:
        return _("The margin covers the whole way to zero.")
    return _("%(distance)s from entry, at the mark price") % {"distance": percent(found.distance)}


def _size_advice(form: SizeForm, found: PositionSize, table: TierTable) -> Advice:
    given = form.cleaned_data
    if found.is_below_minimum or found.notional < table.min_notional:
        least = trading.least_account(form.fraction("risk"), found.per_unit, given["entry"], table)
        return Advice(
            "bad",
            _(
                "The exchange takes nothing below %(least)s USDT or one step of %(step)s "
                "%(base)s. At this risk and stop that needs an account of %(account)s USDT."
            )
            % {
                "least": number(table.min_notional),
                "step": number(table.step),
                "base": table.base,
                "account": fixed(least, 2),
            },
        )
    if found.margin > given["account"]:
        return Advice(
            "bad",
            _("The margin is more than the account holds. It takes a leverage of %(least)s×.")
            % {"least": int(found.notional / given["account"]) + 1},
        )
    if found.is_liquidated_first:
        return Advice("bad", _liquidated_first(found, given["leverage"]))
    if not found.is_stop_safe:
        return Advice(
            "warn",
            _(
                "The stop lies beyond half the way to liquidation: a short spike past it could "
                "reach it. Our bot would refuse this."
            ),
        )
    return Advice(
        "ok",
        _("The stop comes well before liquidation. Leverage changes the margin, not the risk."),
    )


def _liquidated_first(found: PositionSize, leverage: Decimal) -> str:
    words = _("At %(n)s× the exchange closes you before your stop.") % {"n": number(leverage)}
    if found.max_leverage:
        words += " " + _("Use %(most)s× or less.") % {"most": found.max_leverage}
    return words
