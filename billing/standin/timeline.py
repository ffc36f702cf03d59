"""What time brings: everything that falls due happens in its order, at its moment."""

from collections.abc import Callable, Iterator
from typing import Final

from billing.standin import checkout, invoices, subscriptions
from billing.standin.months import DAY_S
from billing.standin.state import Obj, State
from billing.standin.subscriptions import CONFIRM_WITHIN_S, Dunning, first_item

_WARN_BEFORE_S: Final = 3 * DAY_S
Due = tuple[int, Callable[[], None]]


def catch_up(state: State, scope: str, until: int, dunning: Dunning) -> int:
    """Let everything happen that falls due by `until`; return how many things did."""
    done = 0
    while True:
        due = [each for each in _due(state, scope, dunning) if each[0] <= until]
        if not due:
            return done
        moment, act = min(due, key=lambda each: each[0])
        with state.at(scope, moment):
            act()
        state.is_dirty = True
        done += 1


def advance(state: State, seconds: int, dunning: Dunning) -> None:
    """Move the time of everybody without a test clock."""
    for scope in state.running_scopes():
        catch_up(state, scope, state.now(scope) + seconds, dunning)
    state.offset_s += seconds
    state.is_dirty = True


def let_pass(state: State, dunning: Dunning) -> None:
    """Let everything happen that has fallen due by now, wherever time runs by itself."""
    for scope in state.running_scopes():
        catch_up(state, scope, state.now(scope), dunning)


def advance_customer(state: State, customer: Obj, seconds: int, dunning: Dunning) -> None:
    """Move one customer's time: everybody else's, and the product's, stays where it is."""
    if customer["test_clock"]:
        clock = state.objects[customer["test_clock"]]
        advance_clock(state, clock, clock["frozen_time"] + seconds, dunning)
        return
    target = state.now_of(customer) + seconds
    customer.setdefault("_offset_s", 0)
    catch_up(state, customer["id"], target, dunning)
    customer["_offset_s"] += seconds
    state.is_dirty = True


def advance_clock(state: State, clock: Obj, target: int, dunning: Dunning) -> None:
    """Move a test clock."""
    catch_up(state, clock["id"], target, dunning)
    clock["frozen_time"] = target
    state.is_dirty = True


def _due(state: State, scope: str, dunning: Dunning) -> Iterator[Due]:
    for obj in list(state.objects.values()):
        kind = obj["object"]
        if kind not in ("subscription", "invoice", "checkout.session"):
            continue
        if state.scope_of(obj) != scope:
            continue
        if kind == "subscription":
            yield from _due_of_subscription(state, obj)
        elif kind == "invoice":
            yield from _due_of_invoice(state, obj, dunning)
        elif obj["status"] == "open":
            yield from _due_of_session(state, obj)


def _due_of_session(state: State, session: Obj) -> Iterator[Due]:
    def expire() -> None:
        checkout.expire(state, session)

    yield session["expires_at"], expire


def _due_of_subscription(state: State, subscription: Obj) -> Iterator[Due]:
    status = subscription["status"]
    if status == "incomplete":
        yield (
            subscription["created"] + CONFIRM_WITHIN_S,
            lambda: subscriptions.first_payment_expired(state, subscription),
        )
    elif status in ("trialing", "active", "past_due", "unpaid"):
        end = first_item(subscription)["current_period_end"]
        if status == "trialing" and subscription.get("_warned_of") != end:
            warn_at = max(end - _WARN_BEFORE_S, subscription["created"])
            yield warn_at, lambda: _warn(state, subscription, end)
        yield end, lambda: subscriptions.period_over(state, subscription)


def _warn(state: State, subscription: Obj, end: int) -> None:
    subscription["_warned_of"] = end
    state.emit("customer.subscription.trial_will_end", subscription)


def _due_of_invoice(state: State, invoice: Obj, dunning: Dunning) -> Iterator[Due]:
    if not invoice["auto_advance"]:
        return
    if invoice["status"] == "draft":
        yield (
            invoice["automatically_finalizes_at"],
            lambda: _finalize_and_collect(state, invoice, dunning),
        )
    elif invoice["status"] == "open" and invoice["next_payment_attempt"] is not None:
        yield (
            invoice["next_payment_attempt"],
            lambda: _retry(state, invoice, dunning),
        )


def _finalize_and_collect(state: State, invoice: Obj, dunning: Dunning) -> None:
    invoices.finalize(state, invoice)
    if invoice["status"] == "open":
        subscriptions.collect(state, invoice, dunning=dunning)


def _retry(state: State, invoice: Obj, dunning: Dunning) -> None:
    subscriptions.collect(state, invoice, dunning=dunning)
