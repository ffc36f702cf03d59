"""Profit and loss, funding, reward to risk, and the fee against an account, in words."""

from decimal import Decimal
from typing import Final

from django.utils.translation import gettext as _

from cryptosystems.kernel.instruments import Side
from frontend.tools.answer import Advice, Answer, Figure, Line, Step, marks_of
from frontend.tools.forms import FundingForm, ResultForm, RewardForm, SubscriptionForm
from frontend.tools.margin_answers import price_places
from frontend.tools.words import (
    fixed,
    multiple,
    number,
    percent,
    signed,
    signed_percent,
    signed_usdt,
    tone,
    usdt,
)
from trading import api as trading
from trading.api import TierTable

_ONE: Final = Decimal(1)


def result_answer(form: ResultForm, table: TierTable) -> Answer:
    """Return what the trade brings, after fees and funding."""
    given = form.cleaned_data
    side = Side(given["side"])
    found = trading.position_result(
        side=side,
        entry=given["entry"],
        exit_price=given["exit"],
        quantity=given["quantity"],
        leverage=given["leverage"],
        entry_fee_rate=form.fraction("entry_fee"),
        exit_fee_rate=form.fraction("exit_fee"),
        funding=form.amount("funding"),
    )
    places = price_places(table, given["entry"], given["exit"])
    first, second = ("exit", "entry") if side is Side.LONG else ("entry", "exit")
    costs = found.entry_fee + found.exit_fee
    return Answer(
        figures=(
            Figure(
                _("Net result"),
                signed_usdt(found.net),
                _("after fees and funding"),
                tone(found.net),
            ),
            Figure(
                _("Return on margin"),
                signed_percent(found.return_on_margin),
                _("of %(margin)s put up") % {"margin": usdt(found.margin)},
                tone(found.net),
            ),
        ),
        lines=(
            Line(_("Gross result"), signed_usdt(found.gross), tone(found.gross)),
            Line(_("Entry fee"), signed_usdt(-found.entry_fee)),
            Line(_("Exit fee"), signed_usdt(-found.exit_fee)),
            Line(_("Funding"), signed_usdt(-found.funding)),
            Line(_("Position at entry"), usdt(found.notional)),
            Line(_("Move of the price"), signed_percent(found.move)),
            Line(_("Exit that just covers the costs"), fixed(found.break_even, places)),
        ),
        steps=(
            Step(
                _("Gross = quantity × (exit − entry) for a long, (entry − exit) for a short"),
                f"{number(given['quantity'])} × ({number(given[first])} − "
                f"{number(given[second])}) = {signed_usdt(found.gross)}",
            ),
            Step(
                _("Fees = quantity × price × rate, on each side"),
                f"{usdt(found.entry_fee)} + {usdt(found.exit_fee)} = {usdt(costs)}",
            ),
            Step(
                _("Net = gross − fees − funding paid"),
                f"{fixed(found.gross, 2)} − {fixed(costs, 2)} − {fixed(found.funding, 2)} = "
                f"{signed_usdt(found.net)}",
            ),
        ),
        advice=_result_advice(found.gross, found.net),
        marks=marks_of(
            [
                (_("Entry"), given["entry"], fixed(given["entry"], places), "ink"),
                (
                    _("Exit"),
                    given["exit"],
                    fixed(given["exit"], places),
                    tone(found.gross) or "ink",
                ),
                (_("Covers costs"), found.break_even, fixed(found.break_even, places), "ink"),
            ]
        ),
        said=_("To scale: entry %(entry)s, exit %(exit)s, costs covered at %(even)s.")
        % {
            "entry": fixed(given["entry"], places),
            "exit": fixed(given["exit"], places),
            "even": fixed(found.break_even, places),
        },
    )


def _result_advice(gross: Decimal, net: Decimal) -> Advice | None:
    if gross > 0 >= net:
        return Advice("warn", _("The price went your way and the costs took all of it."))
    return None


def funding_answer(form: FundingForm) -> Answer:
    """Return what is paid or received while the position is held."""
    given = form.cleaned_data
    until_next = given.get("until_next")
    found = trading.funding_cost(
        side=Side(given["side"]),
        notional=given["notional"],
        rate=form.fraction("rate"),
        interval_hours=given["interval"],
        hours=given["hours"],
        until_next=until_next,
    )
    words = _("paid") if found.each > 0 else _("received") if found.each < 0 else ""
    first = (
        _("the first in %(hours)s hours") % {"hours": number(until_next, 1)}
        if until_next is not None
        else _("the first after one whole period")
    )
    return Answer(
        figures=(
            Figure(
                _("Funding in all"),
                usdt(abs(found.total)),
                words,
                tone(-found.total),
            ),
            Figure(
                _("Payments"),
                str(found.n_payments),
                first,
            ),
        ),
        lines=(
            Line(_("Each payment"), f"{usdt(abs(found.each))} {words}".strip(), tone(-found.each)),
            Line(_("A day"), f"{usdt(abs(found.a_day))} {words}".strip()),
            Line(_("A year at this rate, of the position"), percent(abs(found.a_year_rate), 1)),
        ),
        steps=(
            Step(
                _("Payment = position value at the mark price × funding rate"),
                f"{number(given['notional'])} × {number(given['rate'])}% = {usdt(abs(found.each))}",
            ),
            Step(
                _("In all = payment × payments while it is held"),
                f"{usdt(abs(found.each))} × {found.n_payments} = {usdt(abs(found.total))}",
            ),
        ),
        advice=Advice(
            "info",
            _(
                "Above 0 longs pay shorts, below 0 shorts pay longs. Rate and price change from "
                "one payment to the next: this is what it would be if they did not."
            ),
        ),
    )


def reward_answer(form: RewardForm) -> Answer:
    """Return what the plan pays for its risk, before and after fees."""
    given = form.cleaned_data
    entry, stop = given["entry"], given["stop"]
    found = trading.plan_reward(entry, stop, form.targets(), form.fraction("fee"))
    even = found.net_break_even_rate
    lines = [Line(_("Side"), _("long") if found.side is Side.LONG else _("short"))]
    lines += [
        Line(
            _("Target %(n)s, %(share)s of the position")
            % {"n": n, "share": percent(target.share, 0)},
            multiple(target.gross_r),
            tone(target.gross_r),
        )
        for n, target in enumerate(found.targets, 1)
    ]
    lines += [
        Line(_("Planned reward after fees"), multiple(found.net_planned), tone(found.net_planned)),
        Line(_("A stop costs, with fees"), multiple(-found.net_loss), "down"),
    ]
    win_rate = given.get("win_rate")
    if win_rate is not None:
        mean = found.expected_r(win_rate / 100)
        lines.append(Line(_("Mean result at your rate"), multiple(mean, 3), tone(mean)))
    places = max(2, *(max(0, -int(p.as_tuple().exponent)) for p in (entry, stop)))
    prices = [
        (_("Stop"), stop, fixed(stop, places), "down"),
        (_("Entry"), entry, fixed(entry, places), "ink"),
        *(
            (_("Target %(n)s") % {"n": n}, target.price, fixed(target.price, places), "up")
            for n, target in enumerate(found.targets, 1)
        ),
    ]
    sums = " + ".join(
        f"{percent(target.share, 0)} × {fixed(target.gross_r, 2)}" for target in found.targets
    )
    return Answer(
        figures=(
            Figure(_("Reward to risk"), fixed(found.planned, 2), _("before fees, to one of risk")),
            Figure(
                _("Break-even"),
                percent(even, 1) if even is not None else _("none"),
                _("of such trades have to reach it, fees counted")
                if even is not None
                else _("fees are larger than the reward"),
            ),
        ),
        lines=tuple(lines),
        steps=(
            Step(
                "R = |entry − stop|", f"|{number(entry)} − {number(stop)}| = {number(found.risk)}"
            ),
            Step(
                _("Reward = sum of share × distance of the target ÷ R"),
                f"{sums} = {fixed(found.planned, 2)}",
            ),
            Step(
                _("Break-even = loss ÷ (reward + loss), after fees"),
                f"{fixed(found.net_loss, 4)} ÷ ({fixed(found.net_planned, 4)} + "
                f"{fixed(found.net_loss, 4)}) = {percent(even, 1)}",
            ),
        ),
        advice=Advice(
            "info",
            _(
                "It counts a trade as won only when every target is reached, and lost at the "
                "whole stop. Partial ways between the two lie in between."
            ),
        ),
        marks=marks_of(prices),
        said=_("To scale: %(prices)s.")
        % {"prices": ", ".join(f"{name} {text}" for name, _price, text, _tone in prices)},
    )


def subscription_answer(form: SubscriptionForm, fee: Decimal) -> Answer:
    """Return what the fee asks, and what the reader's own figures make of it."""
    given = form.cleaned_data
    found = trading.subscription_sums(
        fee=fee,
        account=given["account"],
        risk_rate=form.fraction("risk"),
        trades=given["trades"],
        expectancy_r=given["expectancy"],
    )
    least = usdt(found.least_account) if found.least_account is not None else _("none")
    return Answer(
        figures=(
            Figure(
                _("Each trade has to bring"),
                multiple(found.needed_r, 3),
                _("on average, to cover %(fee)s a month") % {"fee": f"${fixed(fee, 2)}"},
            ),
            Figure(
                _("A month at your figures"),
                signed_usdt(found.after),
                _("after the fee"),
                tone(found.after),
            ),
        ),
        lines=(
            Line(_("Risk of one trade, 1 R"), usdt(found.one_r)),
            Line(_("The fee in R"), f"{fixed(found.fee_r, 2)}\u2009R"),
            Line(_("The fee against the account"), percent(found.fee_share)),
            Line(_("A month before the fee"), signed_usdt(found.before), tone(found.before)),
            Line(_("Account that just covers it"), least),
        ),
        steps=(
            Step(
                _("1 R = account × risk"),
                f"{number(given['account'])} × {number(given['risk'])}% = {usdt(found.one_r)}",
            ),
            Step(
                _("Needed = fee ÷ 1 R ÷ trades"),
                f"{fixed(fee, 2)} ÷ {number(found.one_r, 8)} ÷ {number(given['trades'])} = "
                f"{multiple(found.needed_r, 3)}",
            ),
            Step(
                _("Month = 1 R × trades × mean result − fee"),
                f"{number(found.one_r, 8)} × {number(given['trades'])} × "
                f"{signed(given['expectancy'], 3)} − {fixed(fee, 2)} = {signed_usdt(found.after)}",
            ),
        ),
        advice=_subscription_advice(found.after),
    )


def _subscription_advice(after: Decimal) -> Advice:
    if after < 0:
        return Advice(
            "warn",
            _(
                "At these figures the fee costs more than the trades bring: stay with the free demo."
            ),
        )
    return Advice(
        "info",
        _(
            "A sum of your own figures, not a forecast. A mean of few trades says little, and "
            "results lie far from their mean from month to month."
        ),
    )
