"""Plans and pricing: one plan, what it opens, and whether it is worth its price for the reader."""

from dataclasses import replace
from decimal import Decimal
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from billing import api as billing
from billing.contracts import PlanView, State
from frontend import worth
from frontend.checkout import lets_forms_reach_payments
from frontend.context import Measured, PlansPage, WorthRow
from frontend.figures import backtest, measured
from frontend.shell import make_shell
from signals import api as signals

_PAYING: Final = frozenset({State.ACTIVE, State.GRACE, State.CLOSE_ONLY, State.STAFF})


@require_safe
@never_cache
@lets_forms_reach_payments
def plans(request: HttpRequest) -> HttpResponse:
    """Render the plan, its comparison, the sums and the questions."""
    page = make_plans(request)
    return render(request, "frontend/plans.html", {"page": page, "shell": page.shell})


def make_plans(request: HttpRequest) -> PlansPage:
    """Return the page's context."""
    shell = make_shell("plans", request)
    plan = billing.offer()
    record = measured(signals.live_origin())
    default = worth.row(plan.price, worth.DEFAULT_ACCOUNT, worth.DEFAULT_RISK, worth.DEFAULT_TRADES)
    code = worth.verdict_code(default.needed_r, record)
    return PlansPage(
        shell=shell,
        plan=plan,
        button=_button(None if shell.entitlements is None else shell.entitlements.state),
        closed=billing.checkout_closed(),
        billed_from=None if shell.person is None else billing.billed_from(shell.person.id),
        is_standin=billing.is_standin(),
        record=record,
        backtest=backtest(),
        default=default,
        default_risk=worth.DEFAULT_RISK,
        default_trades=worth.DEFAULT_TRADES,
        verdict=worth.verdicts()[code],
        verdict_code=code,
        rows=_rows(plan, record),
        shares=tuple(
            (account, worth.percentage_fee(account, worth.ASSUMED_RETURN, worth.ASSUMED_SHARE))
            for account in worth.ACCOUNTS
        ),
        script={
            "fee": float(plan.price),
            "mean": record.mean_r if record.is_enough and record.mean_r_interval else None,
            "interval": record.mean_r_interval if record.is_enough else None,
            "verdicts": worth.verdicts(),
            "words": worth.words(),
        },
    )


def _button(state: State | None) -> str:
    if state is None:
        return "trial"
    return "billing" if state in _PAYING else "subscribe"


def _rows(plan: PlanView, record: Measured) -> tuple[WorthRow, ...]:
    words = worth.words()

    def row(account: Decimal) -> WorthRow:
        made = worth.row(plan.price, account, worth.DEFAULT_RISK, worth.DEFAULT_TRADES)
        return replace(made, word=words[worth.verdict_code(made.needed_r, record)])

    return tuple(row(account) for account in worth.ACCOUNTS)
