"""The calculators' sums against examples worked out by hand, to the cent."""

from decimal import Decimal as D

import pytest

from cryptosystems.kernel.instruments import Side
from trading.domain.calculators import (
    EXAMPLE_TIERS,
    TierTable,
    example_table,
    funding_cost,
    isolated_wallet,
    liquidation,
    payments_within,
    plan_reward,
    position_result,
    position_size,
    subscription_sums,
)
from trading.domain.calculators.size import least_account

BTC: TierTable = example_table("BTCUSDT", "BTC")
CENT = D("0.01")


def cents(value: D) -> D:
    return value.quantize(CENT)


@pytest.mark.parametrize(
    ("side", "entry", "quantity", "wallet", "price", "why"),
    [
        # (60 + 0 - 0.01·60,000) / (0.01·0.004 - 0.01) = -540 / -0.00996
        (Side.LONG, "60000", "0.01", "60", "54216.87", "tier 1: 0.4 %, cum 0"),
        # (6,700 - 67,000) / (0.004 - 1) = -60,300 / -0.996
        (Side.LONG, "67000", "1", "6700", "60542.17", "10x"),
        # (1,340 + 0.5·67,000) / (0.5·0.004 + 0.5) = 34,840 / 0.502
        (Side.SHORT, "67000", "0.5", "1340", "69402.39", "25x"),
        # 10 BTC at 60,000, 20x: W = 30,000. At LP the notional is near 573,000: tier 2, cum 300.
        # (30,000 + 300 - 600,000) / (10·0.005 - 10) = -569,700 / -9.95
        (Side.LONG, "60000", "10", "30000", "57256.28", "tier 2: 0.5 %, cum 300"),
        # 100 BTC short at 60,000, 10x: W = 600,000; notional at LP near 6.5 m: tier 4, cum 12,000.
        # (600,000 + 12,000 + 6,000,000) / (100·0.01 + 100) = 6,612,000 / 101
        (Side.SHORT, "60000", "100", "600000", "65465.35", "tier 4: 1 %, cum 12,000"),
        # 5.05 BTC at 60,000 is 303,000: tier 2 at entry. 50x: W = 6,060. At LP it is below 300,000:
        # tier 1, so cum is 0: (6,060 - 303,000) / (5.05·0.004 - 5.05) = -296,940 / -5.0298
        (Side.LONG, "60000", "5.05", "6060", "59036.14", "the tier at the price, not at entry"),
        # 1x: W = q·E, so nothing is left to lose before 0.
        (Side.LONG, "60000", "1", "60000", "0.00", "no leverage"),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else None,
)
def test_the_liquidation_price_is_the_exchange_s(
    side: Side, entry: str, quantity: str, wallet: str, price: str, why: str
) -> None:
    found = liquidation(EXAMPLE_TIERS, side, D(entry), D(quantity), D(wallet))
    assert cents(found.price) == D(price)


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("leverage", [2, 20, 100])
def test_at_the_liquidation_price_the_margin_is_the_maintenance_margin(
    side: Side, leverage: int
) -> None:
    wallet = isolated_wallet(D(60_000), D(leverage), D("0.0005"), D(0))
    found = liquidation(EXAMPLE_TIERS, side, D(60_000), D(1), wallet)
    balance = wallet + side.sign * (found.price - D(60_000))
    assert abs(balance - found.maintenance) < D("1e-15")
    assert found.distance > 0 and not found.is_liquidated_at_once


def test_the_opening_fee_brings_liquidation_nearer_and_added_margin_takes_it_away() -> None:
    # 1 BTC at 60,000, 10x. Fee 0.05 % = 30: W = 5,970; (5,970 - 60,000) / -0.996 = 54,246.99
    # 1,000 added: W = 7,000; (7,000 - 60,000) / -0.996 = 53,212.85
    def price(fee: str, added: str) -> D:
        wallet = isolated_wallet(D(60_000), D(10), D(fee), D(added))
        return cents(liquidation(EXAMPLE_TIERS, Side.LONG, D(60_000), D(1), wallet).price)

    assert price("0", "0") == D("54216.87")
    assert price("0.0005", "0") == D("54246.99")
    assert price("0", "1000") == D("53212.85")


def test_a_margin_smaller_than_maintenance_is_liquidated_at_once() -> None:
    found = liquidation(EXAMPLE_TIERS, Side.LONG, D(60_000), D(1), D(100))
    assert found.is_liquidated_at_once


def test_the_size_loses_no_more_than_the_risk() -> None:
    # Risk 5,000 · 0.5 % = 25. A unit loses 530 and fees 0.0005·(60,640 + 60,110) = 60.375: 590.375.
    # 25 / 590.375 = 0.04234…, cut to 0.042. Loss 0.042·590.375 = 24.80. Notional 2,546.88.
    found = position_size(
        account=D(5_000),
        risk_rate=D("0.005"),
        entry=D(60_640),
        stop=D(60_110),
        leverage=5,
        fee_rate=D("0.0005"),
        table=BTC,
    )
    assert (found.side, found.risk, found.quantity) == (Side.LONG, D(25), D("0.042"))
    assert (cents(found.loss), cents(found.notional)) == (D("24.80"), D("2546.88"))
    assert cents(found.margin) == D("509.38")  # 2,546.88 / 5
    assert found.liquidation is not None
    # W = 509.376 - 1.27344; (508.10256 - 2,546.88) / (0.042·0.004 - 0.042)
    assert cents(found.liquidation.price) == D("48737.27")
    assert found.is_stop_safe and not found.is_liquidated_first
    # The stop is safe while (1/L - 0.0005 - 0.004) / 0.996 >= 2·530 / 60,640, so up to 45.6.
    assert found.max_leverage == 45


def test_a_size_says_when_liquidation_comes_before_the_stop() -> None:
    found = position_size(
        account=D(5_000),
        risk_rate=D("0.01"),
        entry=D(60_000),
        stop=D(63_000),
        leverage=50,
        fee_rate=D(0),
        table=BTC,
    )
    assert found.side is Side.SHORT
    assert found.is_liquidated_first and not found.is_stop_safe
    assert 0 < found.max_leverage < 50


def test_a_risk_below_one_step_makes_no_position_and_the_least_account_does() -> None:
    given = {
        "risk_rate": D("0.005"),
        "entry": D(60_000),
        "stop": D(57_000),
        "leverage": 5,
        "fee_rate": D(0),
        "table": BTC,
    }
    assert position_size(account=D(100), **given).is_below_minimum  # type: ignore[arg-type]
    # One step of 0.001 BTC loses 3; 3 / 0.5 % = 600.
    least = least_account(D("0.005"), D(3_000), D(60_000), BTC)
    assert least == D(600)
    assert position_size(account=least, **given).quantity == D("0.001")  # type: ignore[arg-type]


def test_profit_and_loss() -> None:
    # Long 0.5 BTC, 60,000 → 61,500, 10x. Gross 0.5·1,500 = 750. Fees 30,000·0.05 % = 15 and
    # 30,750·0.05 % = 15.375. Funding 3. Net 716.625; over the margin of 3,000: 23.8875 %.
    found = position_result(
        side=Side.LONG,
        entry=D(60_000),
        exit_price=D(61_500),
        quantity=D("0.5"),
        leverage=D(10),
        entry_fee_rate=D("0.0005"),
        exit_fee_rate=D("0.0005"),
        funding=D(3),
    )
    assert (found.gross, found.entry_fee, found.exit_fee) == (D(750), D(15), D("15.375"))
    assert (found.net, found.return_on_margin) == (D("716.625"), D("0.238875"))
    assert found.move == D("0.025")
    # (30,000 + 15 + 3) / (0.5·0.9995) = 60,066.03
    assert cents(found.break_even) == D("60066.03")


@pytest.mark.parametrize("side", list(Side))
def test_closing_at_break_even_brings_nothing(side: Side) -> None:
    given = {
        "side": side,
        "entry": D("0.2271"),
        "quantity": D(12_345),
        "leverage": D(3),
        "entry_fee_rate": D("0.0002"),
        "exit_fee_rate": D("0.0005"),
        "funding": D("-1.25"),
    }
    even = position_result(exit_price=D("0.3"), **given).break_even  # type: ignore[arg-type]
    assert abs(position_result(exit_price=even, **given).net) < D("1e-20")  # type: ignore[arg-type]


def test_funding() -> None:
    # 10 BTC at a mark of 20,000 and 0.01 %: 200,000·0.0001 = 20 a payment; a short is paid it.
    def cost(side: Side) -> tuple[D, int, D]:
        found = funding_cost(
            side=side,
            notional=D(200_000),
            rate=D("0.0001"),
            interval_hours=8,
            hours=D(24),
            until_next=D("2.5"),
        )
        return found.each, found.n_payments, found.total

    assert cost(Side.LONG) == (D(20), 3, D(60))  # after 2.5, 10.5 and 18.5 hours
    assert cost(Side.SHORT) == (D(-20), 3, D(-60))


@pytest.mark.parametrize(
    ("hours", "interval", "until", "n"),
    [
        ("7.9", 8, None, 0),
        ("8", 8, None, 1),
        ("24", 4, "0", 7),
        ("0.5", 8, "1", 0),
        ("9", 8, "1", 2),
    ],
)
def test_payments_are_counted_from_the_next_one(
    hours: str, interval: int, until: str | None, n: int
) -> None:
    assert payments_within(D(hours), interval, None if until is None else D(until)) == n


def test_reward_to_risk_of_the_default_ladder() -> None:
    # R = 1,000. Targets at 1, 2 and 3 R with 40, 30 and 30 %: 0.4 + 0.6 + 0.9 = 1.9.
    # Break-even 1 / (1 + 1.9) = 34.48 %.
    plan = [(D(61_000), D("0.4")), (D(62_000), D("0.3")), (D(63_000), D("0.3"))]
    found = plan_reward(D(60_000), D(59_000), plan)
    assert [line.gross_r for line in found.targets] == [D(1), D(2), D(3)]
    assert found.planned == D("1.9")
    assert found.break_even_rate is not None
    assert found.break_even_rate.quantize(D("0.0001")) == D("0.3448")
    # Half of the time: 0.5·1.9 - 0.5·1 = +0.45 R.
    assert found.expected_r(D("0.5")) == D("0.45")


def test_fees_make_a_plan_poorer() -> None:
    # 0.05 % a side: TP at 61,000 costs 0.0005·121,000 = 60.5; the stop 0.0005·119,000 = 59.5.
    found = plan_reward(D(60_000), D(59_000), [(D(61_000), D(1))], D("0.0005"))
    assert (found.net_planned, found.net_loss) == (D("0.9395"), D("1.0595"))
    assert found.net_break_even_rate is not None
    assert found.net_break_even_rate.quantize(D("0.0001")) == D("0.5300")  # 1.0595 / 1.999
    small = plan_reward(D(60_000), D(59_999), [(D(60_001), D(1))], D("0.0005"))
    assert small.net_break_even_rate is None


def test_what_the_fee_asks_of_an_account() -> None:
    # 1 R = 5,000·0.5 % = 25. 59.99 / 25 = 2.3996 R; over 40 trades 0.05999 R each.
    # At +0.06 R: 25·40·0.06 = 60.00, so 0.01 is left. Least account 59.99 / (0.005·40·0.06).
    found = subscription_sums(
        fee=D("59.99"),
        account=D(5_000),
        risk_rate=D("0.005"),
        trades=D(40),
        expectancy_r=D("0.06"),
    )
    assert (found.one_r, found.fee_r, found.needed_r) == (D(25), D("2.3996"), D("0.05999"))
    assert (found.before, found.after) == (D(60), D("0.01"))
    assert found.least_account is not None and cents(found.least_account) == D("4999.17")
    losing = subscription_sums(
        fee=D("59.99"), account=D(500), risk_rate=D("0.01"), trades=D(10), expectancy_r=D("-0.1")
    )
    assert losing.least_account is None
    assert losing.after == D("-64.99")  # 5·10·(-0.1) - 59.99
