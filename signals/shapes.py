"""What the addresses of markets and signals answer, as JSON Schema for the API's description."""

from typing import Any, Final

from cryptosystems.kernel.origin import Origin
from cryptosystems.kernel.timeframes import TIMEFRAMES
from cryptosystems.platform.openapi import (
    COUNT,
    FLAG,
    NUMBER,
    TEXT,
    TIME,
    UUID,
    JsonSchema,
    add_to,
    array,
    nullable,
    record,
    ref,
    words,
)
from signals.models import SignalState

_ORIGIN: Final = words(*Origin)
_TIMEFRAME: Final = words(*(tf.value for tf in TIMEFRAMES))
_SIDE: Final = words("long", "short")
_PRICE: Final[JsonSchema] = {"type": "string", "description": "at the tick's decimals"}
_EXACT: Final[JsonSchema] = {"type": "string", "description": "an exact decimal"}
_PAIR: Final[JsonSchema] = {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2}
_MAYBE: Final = nullable(NUMBER)
_MAYBE_PAIR: Final = nullable(_PAIR)
_HEAD: Final = {"symbol": TEXT, "timeframe": _TIMEFRAME}
_JUDGED: Final = {**_HEAD, "at": nullable(TIME), "side": _SIDE, "probability": NUMBER}


def _status() -> JsonSchema:
    stage = record(
        name=TEXT, title=TEXT, p50_ms=_MAYBE, p99_ms=_MAYBE, count=COUNT, at=nullable(TIME)
    )
    return record(
        origin=_ORIGIN,
        market=TEXT,
        ready=FLAG,
        warming=nullable({"type": "object"}),
        now=nullable(TIME),
        model=nullable({"type": "object"}),
        feeds=record(n=COUNT, n_live=COUNT, oldest_s=_MAYBE, stale=array({"type": "object"})),
        stages=array(stage),
        gaps=COUNT,
        last_error=nullable(record(at=nullable(TIME), text=TEXT)),
        speed=NUMBER,
    )


def _market() -> JsonSchema:
    return record(
        symbol=TEXT,
        base=TEXT,
        price=nullable(_PRICE),
        decimals=COUNT,
        change_24h=_MAYBE,
        funding_rate=_MAYBE,
        next_funding_at=nullable(TIME),
        open_interest_usd=_MAYBE,
        oi_change_4h=_MAYBE,
        volume_24h=_MAYBE,
        mark=_MAYBE,
        liquidated_long_24h=_MAYBE,
        liquidated_short_24h=_MAYBE,
        spark=array(_MAYBE),
        signal=nullable(_SIDE),
        stale=FLAG,
        age_s=_MAYBE,
    )


def _factors() -> JsonSchema:
    factor = record(
        name=TEXT,
        group=TEXT,
        title=TEXT,
        reading=_MAYBE,
        unit=TEXT,
        text=TEXT,
        percentile=_MAYBE,
        log_odds=NUMBER,
        points=_MAYBE,
        sentence=TEXT,
    )
    return record(
        **_JUDGED,
        interval=_PAIR,
        base_probability=NUMBER,
        other_points=NUMBER,
        factors=array(factor),
    )


def _gates() -> JsonSchema:
    gate = record(
        name=TEXT,
        title=TEXT,
        passed=FLAG,
        value=nullable({}),
        limit=nullable({}),
        sentence=TEXT,
    )
    rejected = record(n=COUNT, win_rate=NUMBER, interval=_PAIR, mean_r=NUMBER, origin=_ORIGIN)
    return record(**_JUDGED, gates=array(gate), rejected_30d=nullable(rejected))


def _heatmap() -> JsonSchema:
    cluster = record(price=NUMBER, usd=NUMBER, side=_SIDE, distance=NUMBER)
    shape = record(
        **_HEAD,
        estimated=FLAG,
        columns=array(COUNT),
        origin=_ORIGIN,
        low=NUMBER,
        high=NUMBER,
        step=NUMBER,
        rows=COUNT,
        cells={"type": "string", "description": "base64 float32, columns × rows, in USDT"},
        long_now=TEXT,
        short_now=TEXT,
        cap=NUMBER,
        clusters=array(cluster),
        reason={"type": "string", "description": "Why there is nothing, where columns is empty."},
    )
    shape["required"] = ["symbol", "timeframe", "estimated", "columns"]
    return shape


def _book() -> JsonSchema:
    band = record(band=NUMBER, imbalance=_MAYBE, ratio=_MAYBE, held_s=_MAYBE, covered=FLAG)
    return record(
        "reason",
        symbol=TEXT,
        at=nullable(TIME),
        age_s=_MAYBE,
        mid=_MAYBE,
        spread_bps=_MAYBE,
        bids=array(_PAIR),
        asks=array(_PAIR),
        bands=array(band),
        reason=TEXT,
    )


def _correlation() -> JsonSchema:
    market = record(symbol=TEXT, beta=NUMBER, correlation=NUMBER, lag_s=_MAYBE, r2=NUMBER)
    knocked = record(
        symbol=TEXT,
        beta=_MAYBE,
        lag_s=_MAYBE,
        expected=_MAYBE,
        moved=_MAYBE,
        n=COUNT,
        followed=COUNT,
        interval=_MAYBE_PAIR,
    )
    shock = record(
        at=nullable(TIME), move=_MAYBE, shocks=COUNT, minutes=COUNT, markets=array(knocked)
    )
    return record(
        "reason",
        symbol=TEXT,
        window=TEXT,
        markets=array(market),
        knock_on=nullable(shock),
        reason=TEXT,
    )


def _analogs() -> JsonSchema:
    case = record(symbol=TEXT, at=TIME, distance=NUMBER, move=NUMBER, path=array(NUMBER))
    share = record(n=COUNT, up=COUNT, interval=_PAIR)
    return record(
        **_HEAD,
        at=TIME,
        length=COUNT,
        horizon=COUNT,
        near=share,
        all=record(n=COUNT, up=COUNT),
        median_move=NUMBER,
        path=array(NUMBER),
        cases=array(case),
    )


def _funding() -> JsonSchema:
    return record(
        symbol=TEXT,
        rate=_MAYBE,
        interval_hours=COUNT,
        next_at=nullable(TIME),
        percentile=_MAYBE,
        history=array(_PAIR),
        open_interest=array(_PAIR),
        oi_change_4h=_MAYBE,
        quadrant=nullable(TEXT),
    )


def _signal() -> JsonSchema:
    target = record(price=_PRICE, share=NUMBER, r=NUMBER, p=NUMBER)
    reason = record(
        name=TEXT,
        group=TEXT,
        title=TEXT,
        sentence=TEXT,
        reading=_MAYBE,
        unit=TEXT,
        percentile=_MAYBE,
        log_odds=NUMBER,
        points=NUMBER,
        price=_MAYBE,
    )
    told = record(n=COUNT, wins=COUNT, rate=NUMBER, interval=_PAIR, origin=_ORIGIN)
    return record(
        id=UUID,
        number=COUNT,
        symbol=TEXT,
        base=TEXT,
        decimals=COUNT,
        timeframe=_TIMEFRAME,
        side=_SIDE,
        origin=_ORIGIN,
        trigger=words("close", "interim", "urgent"),
        issued_at=TIME,
        entry=record(low=_PRICE, high=_PRICE, valid_until=TIME),
        stop=_PRICE,
        targets=array(target),
        reward_risk=NUMBER,
        expires_at=TIME,
        confidence=NUMBER,
        interval=_PAIR,
        break_even=NUMBER,
        base_rate=NUMBER,
        record=nullable(told),
        strength=NUMBER,
        strength_interval=_PAIR,
        reasons=array(reason),
        other=record(n=COUNT, points=NUMBER),
        invalidation=TEXT,
        model=TEXT,
        hash=TEXT,
        previous_hash=TEXT,
        state=words(*SignalState.OPEN, *SignalState.SETTLED),
        result_r=_MAYBE,
        gross_r=_MAYBE,
        fill_price=nullable(_PRICE),
        filled_at=nullable(TIME),
        settled_at=nullable(TIME),
        evidence=nullable({}),
        atr=NUMBER,
        max_leverage=NUMBER,
        tick=TEXT,
        step=TEXT,
    )


def _signal_file() -> JsonSchema:
    row = record(
        id=UUID,
        **_HEAD,
        at=TIME,
        direction=_SIDE,
        entry_low=_EXACT,
        entry_high=_EXACT,
        stop=_EXACT,
        **{f"tp{n}": nullable(_EXACT) for n in (1, 2, 3)},
        **{f"share{n}": _MAYBE for n in (1, 2, 3)},
        confidence=NUMBER,
        strength=NUMBER,
        expires_at=TIME,
        model_version=TEXT,
        origin=_ORIGIN,
        state=words(*SignalState.OPEN, *SignalState.SETTLED),
        result_r=_MAYBE,
        gross_r=_MAYBE,
        filled_at=nullable(TIME),
        settled_at=nullable(TIME),
        hash=TEXT,
    )
    return record(origin=_ORIGIN, since=TIME, until=TIME, results=array(row))


def _track_record() -> JsonSchema:
    bucket = {
        "type": "object",
        "properties": {
            "from": NUMBER,
            "to": NUMBER,
            "n": COUNT,
            "stated": NUMBER,
            "won": NUMBER,
            "interval": _PAIR,
        },
        "required": ["from", "to", "n", "stated", "won", "interval"],
    }
    return record(
        origin=_ORIGIN,
        market=TEXT,
        n=COUNT,
        not_entered=COUNT,
        wins=COUNT,
        win_rate=_MAYBE,
        interval=_MAYBE_PAIR,
        mean_r=_MAYBE,
        mean_r_interval=_MAYBE_PAIR,
        break_even=_MAYBE,
        base_rate=_MAYBE,
        reliability=array(bucket),
        months=array(record(month=TEXT, n=COUNT, sum_r=NUMBER)),
        last_losers=array(ref("Signal")),
    )


def _chain() -> JsonSchema:
    link = record(
        sequence=COUNT,
        kind=words("signal", "settlement"),
        signal=UUID,
        previous=TEXT,
        hash=TEXT,
        payload=nullable(TEXT),
    )
    return record(genesis=TEXT, links=array(link), before=nullable(COUNT))


def add_components(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add markets, analysis, signals and the record."""
    liquidation = record(at_s=COUNT, price=NUMBER, usd=NUMBER, side=_SIDE)
    return add_to(
        result,
        Status=_status(),
        Market=_market(),
        MarketList=record(origin=_ORIGIN, at=nullable(TIME), markets=array(ref("Market"))),
        Candles=record(
            **_HEAD,
            origin=_ORIGIN,
            candles=array({"type": "array", "items": NUMBER, "minItems": 6, "maxItems": 6}),
            gaps=array(COUNT),
            liquidations=array(liquidation),
        ),
        Factors=_factors(),
        Gates=_gates(),
        Heatmap=_heatmap(),
        Book=_book(),
        Funding=_funding(),
        Correlation=_correlation(),
        Analogs=_analogs(),
        FactorHistory=record(**_HEAD, name=TEXT, points=array({"type": "array", "items": _MAYBE})),
        Signal=_signal(),
        SignalList=record(
            next=nullable(COUNT),
            open_delay_s={
                "type": "integer",
                "description": "By how many seconds open signals reach this caller late; 0: at once.",
            },
            results=array(ref("Signal")),
        ),
        Recomputed=record(
            matches=FLAG,
            stored={"type": "object"},
            recomputed=nullable({"type": "object"}),
            differences=array(TEXT),
        ),
        SignalFile=_signal_file(),
        Chain=_chain(),
        TrackRecord=_track_record(),
    )
