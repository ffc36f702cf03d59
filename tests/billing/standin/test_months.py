"""Month ends: a subscription of the 31st comes back to the 31st."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from billing.standin.months import add_months, period_end
from tests.billing.standin.conftest import Shop


def _at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def test_the_31st_is_cut_to_the_months_end_and_comes_back() -> None:
    anchor = _at("2026-01-31T10:00")
    ends = [anchor]
    for _ in range(4):
        ends.append(period_end(anchor, ends[-1]))
    assert ends[1:] == [
        _at("2026-02-28T10:00"),
        _at("2026-03-31T10:00"),
        _at("2026-04-30T10:00"),
        _at("2026-05-31T10:00"),
    ]
    assert add_months(_at("2028-01-31T00:00"), 1) == _at("2028-02-29T00:00")


@given(st.integers(0, 4_000_000_000), st.integers(1, 60))
def test_periods_follow_each_other_without_a_gap(anchor: int, n: int) -> None:
    start = anchor
    for k in range(1, n + 1):
        start = period_end(anchor, start)
        assert start == add_months(anchor, k)


def test_renewals_keep_the_anchor(shop: Shop) -> None:
    start = _at("2026-01-31T10:00")
    clock = shop.clock(start)
    customer = shop.subscriber(clock=clock)
    shop.advance(clock, _at("2026-06-01T00:00"))
    paid = [each for each in shop.invoices(customer) if each.status == "paid"]
    spans = sorted(each.lines.data[0].period.end for each in paid)
    assert spans == [
        _at("2026-02-28T10:00"),
        _at("2026-03-31T10:00"),
        _at("2026-04-30T10:00"),
        _at("2026-05-31T10:00"),
        _at("2026-06-30T10:00"),
    ]
