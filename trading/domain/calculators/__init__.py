"""What the calculators work out: pure sums over exact numbers, one implementation for every page."""

from trading.domain.calculators.funding import FundingCost, funding_cost, payments_within
from trading.domain.calculators.liquidation import Liquidation, isolated_wallet, liquidation
from trading.domain.calculators.result import Result, position_result
from trading.domain.calculators.reward import Reward, RewardTarget, plan_reward
from trading.domain.calculators.size import PositionSize, least_account, position_size
from trading.domain.calculators.subscription import SubscriptionSums, subscription_sums
from trading.domain.calculators.tiers import EXAMPLE_TIERS, TierTable, example_table

__all__ = [
    "EXAMPLE_TIERS",
    "FundingCost",
    "Liquidation",
    "PositionSize",
    "Result",
    "Reward",
    "RewardTarget",
    "SubscriptionSums",
    "TierTable",
    "example_table",
    "funding_cost",
    "isolated_wallet",
    "least_account",
    "liquidation",
    "payments_within",
    "plan_reward",
    "position_result",
    "position_size",
    "subscription_sums",
]
