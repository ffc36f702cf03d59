"""The six calculators: what each is called, asks, starts with and leads on to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext_lazy

from billing import api as billing
from frontend.tools import margin_answers, trade_answers
from frontend.tools.answer import Answer
from frontend.tools.forms import (
    FundingForm,
    LiquidationForm,
    ResultForm,
    RewardForm,
    SizeForm,
    SubscriptionForm,
    ToolForm,
)
from trading.api import TierTable


@dataclass(frozen=True, slots=True)
class Tool:
    """One calculator."""

    slug: str
    title: Any
    lede: Any
    icon: str
    form: type[ToolForm]
    answer: Callable[[Any, TierTable], Answer]
    groups: tuple[tuple[str, ...], ...]
    """Names of fields; two in one group stand side by side."""
    defaults: Mapping[str, str]
    links: tuple[tuple[str, Any], ...]
    """Pages that explain more: (address, title); only those that are there are shown."""
    uses_market: bool = True


TOOLS: Final = (
    Tool(
        "liquidation-price",
        gettext_lazy("Liquidation price"),
        gettext_lazy(
            "At which mark price the exchange would close your position, by its own formula and "
            "maintenance tiers."
        ),
        "octagon-x",
        LiquidationForm,
        margin_answers.liquidation_answer,
        (
            ("symbol",),
            ("side",),
            ("entry", "quantity"),
            ("margin",),
            ("leverage", "added"),
            ("wallet",),
            ("others_maintenance", "others_unrealised"),
            ("fee",),
        ),
        {
            "side": "long",
            "margin": "isolated",
            "quantity": "0.1",
            "leverage": "10",
            "added": "",
            "fee": "0.05",
        },
        (
            ("/blog/what-is-crypto-liquidation", gettext_lazy("What is crypto liquidation?")),
            (
                "/blog/what-is-leverage-in-crypto-trading",
                gettext_lazy("What is leverage in crypto trading?"),
            ),
        ),
    ),
    Tool(
        "position-size",
        gettext_lazy("Position size"),
        gettext_lazy("Size follows from what you are willing to lose, not from leverage."),
        "calculator",
        SizeForm,
        margin_answers.size_answer,
        (
            ("symbol",),
            ("account", "risk"),
            ("entry", "stop"),
            ("target",),
            ("leverage", "fee"),
        ),
        {"account": "5000", "risk": "0.5", "leverage": "5", "fee": "0.05"},
        (
            (
                "/blog/what-is-leverage-in-crypto-trading",
                gettext_lazy("What is leverage in crypto trading?"),
            ),
            (
                "/blog/how-to-use-trading-signals-effectively",
                gettext_lazy("How to use trading signals effectively"),
            ),
        ),
    ),
    Tool(
        "pnl",
        gettext_lazy("Profit and loss"),
        gettext_lazy("What a trade brings after fees and funding, and on the margin put up."),
        "activity",
        ResultForm,
        trade_answers.result_answer,
        (
            ("symbol",),
            ("side",),
            ("entry", "exit"),
            ("quantity", "leverage"),
            ("entry_fee", "exit_fee"),
            ("funding",),
        ),
        {
            "side": "long",
            "quantity": "0.1",
            "leverage": "5",
            "entry_fee": "0.05",
            "exit_fee": "0.05",
            "funding": "0",
        },
        (("/blog/how-crypto-trading-bots-work", gettext_lazy("How crypto trading bots work")),),
    ),
    Tool(
        "funding",
        gettext_lazy("Funding cost"),
        gettext_lazy("What holding a position costs or earns, at the rate of now or your own."),
        "clock",
        FundingForm,
        lambda form, _table: trade_answers.funding_answer(form),
        (
            ("symbol",),
            ("side",),
            ("notional",),
            ("rate", "interval"),
            ("until_next", "hours"),
        ),
        {
            "side": "long",
            "notional": "5000",
            "rate": "0.01",
            "interval": "8",
            "until_next": "",
            "hours": "24",
        },
        (("/ai-trading/learn/funding", gettext_lazy("Lesson: funding")),),
    ),
    Tool(
        "risk-reward",
        gettext_lazy("Risk and reward"),
        gettext_lazy(
            "What a plan with up to three targets pays for its risk, and how often it must."
        ),
        "sliders-horizontal",
        RewardForm,
        lambda form, _table: trade_answers.reward_answer(form),
        (
            ("entry", "stop"),
            ("target1", "share1"),
            ("target2", "share2"),
            ("target3", "share3"),
            ("fee", "win_rate"),
        ),
        {"share1": "40", "share2": "30", "share3": "30", "fee": "0.05", "win_rate": ""},
        (
            (
                "/blog/ai-crypto-signals-explained",
                gettext_lazy("AI crypto signals explained"),
            ),
        ),
    ),
    Tool(
        "break-even",
        gettext_lazy("Break-even of the subscription"),
        gettext_lazy("What the fee asks of an account your size. It may well say: do not."),
        "wallet",
        SubscriptionForm,
        lambda form, _table: trade_answers.subscription_answer(form, billing.offer().price),
        (("account", "risk"), ("trades", "expectancy")),
        {"account": "5000", "risk": "0.5", "trades": "40", "expectancy": "0"},
        (("/ai-trading/plans-pricing", gettext_lazy("Plans and pricing")),),
        uses_market=False,
    ),
)


def tool_of(slug: str) -> Tool | None:
    """Return a calculator by the end of its address."""
    return next((tool for tool in TOOLS if tool.slug == slug), None)
