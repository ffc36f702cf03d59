"""Trial or subscription ends, a person leaves or is suspended, while something is in the market (F-60)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.services import deletion
from billing.models import Trial
from tests.trading.executor.stage import MINUTE, D, Stage, assert_invariants, make_trade
from trading.models import TradingAccount
from trading.services import keys
from trading.services.permits import entry_denial


def trial_ends(user: User) -> None:
    past = timezone.now() - timedelta(hours=1)
    entitled = Trial.objects.for_user(user.pk)
    assert entitled.update(started_at=past - timedelta(days=7), ends_at=past) == 1


def leaves(user: User) -> None:
    deletion.request(user.pk)


def is_suspended(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def key_is_withdrawn(user: User) -> None:
    TradingAccount.objects.for_user(user.pk).update(state="suspended", code=keys.WITHDRAWN)


ENDS = (trial_ends, leaves, is_suspended, key_is_withdrawn)


@pytest.fixture(params=ENDS, ids=[end.__name__ for end in ENDS])
def end(request: Any) -> Callable[[User], None]:
    found: Callable[[User], None] = request.param
    return found


def owner(stage: Stage) -> User:
    return User.objects.get(pk=stage.account.user_id)


def reach(stage: Stage, target: str, price: str) -> None:
    """Let the market come to a target."""
    stage.exchange.move(price)
    stage.exchange.fill(target)
    stage.run(10_000)


def test_an_entry_that_rests_is_taken_back(stage: Stage, end: Callable[[User], None]) -> None:
    stage.enter()
    end(owner(stage))
    stage.run(30_000)
    assert stage.exchange.resting() == []
    assert stage.trade().state == "not_entered"
    assert_invariants(stage, is_over=True)


def test_a_part_that_was_filled_is_managed_and_the_rest_taken_back(
    stage: Stage, end: Callable[[User], None]
) -> None:
    stage.enter()
    stage.exchange.fill("entry", "0.06", price="60050")
    end(owner(stage))
    stage.run(30_000)
    assert "entry" not in stage.exchange.resting()
    assert stage.exchange.position == D("0.06")
    assert_invariants(stage)


def test_what_is_open_is_managed_to_its_end_and_nothing_new_is_entered(
    stage: Stage, end: Callable[[User], None]
) -> None:
    stage.open()
    end(owner(stage))
    stage.run(MINUTE)
    reach(stage, "tp1", "61100")
    assert stage.trade().stop_level == "break_even"
    assert_invariants(stage)
    reach(stage, "tp2", "62100")
    reach(stage, "tp3", "63100")
    stage.run(20_000)
    assert (stage.trade().state, stage.trade().reason) == ("closed", "targets")
    assert_invariants(stage, is_over=True)
    another = make_trade(stage.account, state="chosen")
    assert entry_denial(another, timezone.now()) is not None
