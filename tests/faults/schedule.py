"""What a seed wills: faults, kills, restarts, prices and people, over real sockets (TB-5)."""

import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from tests.faults.invariants import NAKED_MS, assert_invariants
from tests.faults.stage import ABOVE, INSIDE, MINUTE, SYMBOL, Stage
from tests.support.exchange_process import CallRefused
from tests.trading.executor.stage import Death, Died
from trading.executor import hooks

_TURNS: Final = 7
_EARLY: Final = (ABOVE, 60_250, 60_150, INSIDE, INSIDE)
_PRICES: Final = (INSIDE, INSIDE, 60_250, 61_150, 62_150, 59_500, 59_050)


@dataclass(frozen=True, slots=True)
class Trouble:
    """One fault that may be drawn."""

    channel: str
    action: str
    more: dict[str, Any] = field(default_factory=dict)
    naked_ms: int = 0
    """For so long it may keep a stop from being placed, seen or missed."""


def _on(what: str, method: str, **args: Any) -> dict[str, Any]:
    return {"match": what, "method": method, "args": args}


_LOST: Final = tuple(
    Trouble("private", action, {**_on(f"=cs-{leg}", "POST", executed=done, **args), "count": 1})
    for leg in ("e", "s", "g", "t", "c")
    for action, args in (("drop", {}), ("status", {"status": 503}), ("html", {"status": 502}))
    for done in (True, False)
)
_AWAY: Final = {"for_ms": 6_000, "args": {"status": 503}}
TROUBLES: Final = (
    *_LOST,
    *(Trouble("private", action, {"match": "=cs-", "count": 1}) for action in ("empty", "half")),
    Trouble("private", "status", {"match": "=cs-s", "method": "POST", "count": 1}
            | {"args": {"status": 400, "code": -2021, "executed": False}}),
    Trouble("private", "status", {"match": "=cs-c", "method": "POST", "count": 3}
            | {"args": {"status": 400, "code": -2022, "executed": False}}),
    Trouble("private", "status", {"match": "positionRisk", **_AWAY}, naked_ms=10_000),
    Trouble("private", "status", {"match": "openOrders|openAlgoOrders", **_AWAY}),
    Trouble("private", "status", {"match": "userTrades|income", **_AWAY}),
    Trouble("private", "status", {"match": "", **_AWAY}, naked_ms=8_000),
    Trouble("private", "ban", {"args": {"status": 429, "seconds": 5}, "count": 1}, naked_ms=6_000),
    Trouble("private", "zero", {"for_ms": 8_000}, naked_ms=16_000),
    Trouble("user", "drop", {"for_ms": 20_000}, naked_ms=21_000),
    Trouble("user", "duplicate", {"args": {"times": 2}}),
    Trouble("user", "hold", {"args": {"ms": 3_000}, "for_ms": 20_000}, naked_ms=4_000),
    Trouble("user", "reorder", {"count": 3}, naked_ms=21_000),
    Trouble("matching", "lose_algo", {"match": "cs-", "count": 1, "args": {"after_ms": 4_000}},
            naked_ms=22_000),
    Trouble("matching", "hide_algo",
            {"match": "cs-", "count": 1, "args": {"after_ms": 2_000, "ms": 9_000}}),
    Trouble("matching", "stuck", {"match": "cs-s", "count": 1}, naked_ms=13_000),
    Trouble("matching", "reject", {"match": "cs-", "count": 1}, naked_ms=2_000),
    Trouble("matching", "algo_down", {"for_ms": 6_000}, naked_ms=8_000),
)  # fmt: skip


def _sell_a_part(stage: Stage) -> None:
    order = {"symbol": SYMBOL, "side": "SELL", "type": "MARKET", "quantity": "0.03"}
    stage.who.by_hand("POST", "/fapi/v1/order", reduceOnly="true", **order)


def _take_a_stop_away(stage: Stage) -> None:
    names = [algo["clientAlgoId"] for algo in stage.who.truth()["algos"]]
    if names and stage.position():
        path = "/fapi/v1/algoOrder"
        stage.who.by_hand("DELETE", path, symbol=SYMBOL, clientAlgoId=names[0])


def _nothing(stage: Stage) -> None:
    pass


_PEOPLE: Final[tuple[Callable[[Stage], None], ...]] = (
    *(_nothing,) * 6,
    _sell_a_part,
    _take_a_stop_away,
    lambda stage: stage.ask_to_close(),
)


def play(stage: Stage, death: Death, seed: int) -> None:
    """Play one seed to its end; judge it while the position is open, and when all is over."""
    draw = random.Random(seed)
    troubles = draw.sample(TROUBLES, draw.randint(1, 5))
    turns = [draw.randrange(_TURNS) for _ in troubles]
    kills = {draw.randrange(_TURNS) for _ in range(draw.randint(0, 2))}
    allowed = NAKED_MS + 500 + sum(trouble.naked_ms for trouble in troubles)
    stage.make_trade()
    stage.move(ABOVE)
    for turn in range(_TURNS):
        for trouble in (one for one, at in zip(troubles, turns, strict=True) if at == turn):
            stage.fault(trouble.channel, trouble.action, **trouble.more)
        if turn in kills:
            death.point, death.leg, death.has_come = draw.choice(hooks.POINTS), "", False
        with suppress(Died):
            stage.move(draw.choice(_PRICES if turn > 1 else _EARLY))
            with suppress(CallRefused):
                draw.choice(_PEOPLE)(stage)
            stage.run(draw.choice((500, 3_000, 12_000)))
            continue
        stage.restart()
    death.point = ""
    stage.venue.heal()
    is_hidden = any(trouble.action == "hide_algo" for trouble in troubles)
    stage.run(2 * MINUTE + 15_000 if is_hidden else 45_000, step_ms=3_000)
    assert_invariants(stage, naked_ms=allowed)
    stage.ask_to_close()
    stage.run(2 * MINUTE + 30_000, step_ms=3_000)
    assert_invariants(stage, naked_ms=allowed, is_over=True)
