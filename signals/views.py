"""The JSON API of markets and signals; thin: each view reads, and says what it read."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from cryptosystems.kernel.clock import to_datetime
from cryptosystems.kernel.errors import InvalidInput
from cryptosystems.kernel.origin import Origin
from cryptosystems.kernel.timeframes import Timeframe
from cryptosystems.platform.http import EngineSilent, NotJudged
from cryptosystems.platform.openapi import count_parameter, ref
from cryptosystems.platform.query import MOMENT_PATTERN, MOST_CURSOR, count, one_of
from cryptosystems.platform.scopes import SIGNALS, scope
from signals import api, past_views
from signals.delivery import bus
from signals.delivery.topics import SYMBOL_PATTERN, is_symbol
from signals.features.catalogue import CATALOGUE
from signals.selectors import past, records, signals, similar
from signals.services import recompute as recomputing
from signals.store.candles import read_candles

_TIMEFRAMES = tuple(tf.value for tf in Timeframe)
_NAME = {"type": "string", "pattern": SYMBOL_PATTERN, "examples": ["BTCUSDT"]}
_OF = OpenApiParameter("symbol", _NAME, OpenApiParameter.PATH)
_SYMBOL = OpenApiParameter("symbol", _NAME)
_TIMEFRAME = OpenApiParameter("timeframe", str, enum=_TIMEFRAMES, default="1h")
_AT = OpenApiParameter(
    "at",
    {"type": "string", "pattern": MOMENT_PATTERN, "examples": ["2026-01-31T14:05Z"]},
    description="a past minute: the answer then holds what was known by it, and nothing later",
)


def _timeframe(request: Request, default: str = "1h") -> str:
    return str(one_of(request, "timeframe", _TIMEFRAMES, default))


def _origin(request: Request) -> str:
    return str(one_of(request, "origin", tuple(Origin), api.live_origin()))


def symbol_of(request: Request) -> str | None:
    """Return the market that the query names, if any."""
    symbol = request.query_params.get("symbol")
    if symbol is not None and not is_symbol(symbol):
        raise InvalidInput(f"symbol is a name such as BTCUSDT; got {symbol[:20]!r}")
    return symbol


def _viewer(request: Request) -> UUID | None:
    return request.user.pk if request.user.is_authenticated else None


def _known(symbol: str) -> str:
    """Return what may be a symbol, or raise 404."""
    if not is_symbol(symbol):
        raise Http404
    return symbol


def _asked(kind: str, **arguments: Any) -> Any:
    _known(arguments["symbol"])
    answer = bus.ask(kind, **arguments)
    if answer is None or (isinstance(answer, dict) and answer.get("warming")):
        known = {row["symbol"] for row in api.market_rows()}
        if known and arguments.get("symbol") not in known:
            raise Http404
        raise EngineSilent
    if isinstance(answer, dict) and "not_judged" in answer:
        raise NotJudged(answer["not_judged"])
    if isinstance(answer, dict) and "error" in answer:
        raise EngineSilent(answer["error"])
    return answer


@extend_schema(summary="How the engine stands", responses={200: ref("Status")})
@scope(SIGNALS, public=True)
@api_view(["GET"])
def status(request: Request) -> Response:
    """Six pipeline stages, feed ages, gaps, last error, and what is warming up."""
    held = api.status()
    if held is None:
        raise EngineSilent
    return Response(held)


@extend_schema(summary="All markets", parameters=[_AT], responses={200: ref("MarketList")})
@scope(SIGNALS, public=True, query=("at",))
@api_view(["GET"])
def markets(request: Request) -> Response:
    """Price, change, funding, open interest of every symbol followed."""
    at_ms = past_views.asked_ms(request)
    if at_ms is not None:
        return Response(past_views.markets(_viewer(request), at_ms))
    held = api.markets(_viewer(request))
    if held is None:
        raise EngineSilent
    return Response(held)


@extend_schema(
    summary="Candles",
    parameters=[
        _OF,
        _TIMEFRAME,
        count_parameter("limit", 1500, "candles; 500 where it is left out"),
        _AT,
    ],
    responses={200: ref("Candles")},
)
@scope(SIGNALS, public=True, query=("timeframe", "limit", "at"))
@api_view(["GET"])
def candles(request: Request, symbol: str) -> Response:
    """Closed candles, the running one last; stored ones where the engine is silent."""
    timeframe = _timeframe(request, "15m")
    limit = count(request, "limit", 500, 1500)
    at_ms = past_views.asked_ms(request)
    if at_ms is not None:
        return Response(past_views.candles(_known(symbol), timeframe, limit, at_ms))
    try:
        return Response(_asked("candles", symbol=symbol, timeframe=timeframe, limit=limit))
    except EngineSilent:
        origin = Origin(api.live_origin())
        open_ms, values = read_candles(origin, Timeframe(timeframe), symbol, limit)
        if not open_ms.size:
            raise
        rows = [
            [int(at) // 1000, *(float(v) for v in row[:5])]
            for at, row in zip(open_ms, values, strict=True)
            if row[3] == row[3]
        ]
        return Response(
            {
                "symbol": symbol,
                "timeframe": timeframe,
                "origin": origin.value,
                "candles": rows,
                "gaps": [],
                "liquidations": [],
            }
        )


def _ofsymbol_of(request: Request, kind: str, symbol: str, *, with_timeframe: bool) -> Response:
    arguments: dict[str, Any] = {"symbol": symbol}
    if with_timeframe:
        arguments["timeframe"] = _timeframe(request)
    return Response(_asked(kind, **arguments))


@extend_schema(
    summary="Factors", parameters=[_OF, _TIMEFRAME, _AT], responses={200: ref("Factors")}
)
@scope(SIGNALS, public=True, query=("timeframe", "at"))
@api_view(["GET"])
def factors(request: Request, symbol: str) -> Response:
    """Every factor's reading and its part in the score, which they add up to."""
    at_ms = past_views.asked_ms(request)
    if at_ms is not None:
        return Response(past_views.factors(_known(symbol), _timeframe(request), at_ms))
    return _ofsymbol_of(request, "factors", symbol, with_timeframe=True)


@extend_schema(summary="Gates", parameters=[_OF, _TIMEFRAME, _AT], responses={200: ref("Gates")})
@scope(SIGNALS, public=True, query=("timeframe", "at"))
@api_view(["GET"])
def gates(request: Request, symbol: str) -> Response:
    """Why there is a signal, or which gate says no, and what became of such setups."""
    at_ms = past_views.asked_ms(request)
    if at_ms is not None:
        return Response(past_views.gates(_known(symbol), _timeframe(request), at_ms))
    answer = _ofsymbol_of(request, "gates", symbol, with_timeframe=True)
    answer.data["rejected_30d"] = records.rejected_record(
        api.live_origin(), symbol, answer.data["timeframe"]
    )
    return answer


@extend_schema(
    summary="Liquidation heatmap, estimated",
    parameters=[_OF, _TIMEFRAME, _AT],
    responses={200: ref("Heatmap")},
)
@scope(SIGNALS, public=True, query=("timeframe", "at"))
@api_view(["GET"])
def heatmap(request: Request, symbol: str) -> Response:
    """Price × time cells of estimated liquidations, base64 float32."""
    at_ms = past_views.asked_ms(request)
    if at_ms is not None:
        found = past_views.heatmap(_known(symbol), _timeframe(request), at_ms)
        if found is None or "columns" not in found:
            raise EngineSilent
        return Response(found)
    return _ofsymbol_of(request, "heatmap", symbol, with_timeframe=True)


@extend_schema(summary="Order book", parameters=[_OF, _AT], responses={200: ref("Book")})
@scope(SIGNALS, public=True, query=("at",))
@api_view(["GET"])
def book(request: Request, symbol: str) -> Response:
    """The visible book and its imbalance by band."""
    at_ms = past_views.asked_ms(request)
    if at_ms is not None:
        return Response(past_views.book(_known(symbol), at_ms))
    return _ofsymbol_of(request, "book", symbol, with_timeframe=False)


@extend_schema(
    summary="Funding and open interest", parameters=[_OF, _AT], responses={200: ref("Funding")}
)
@scope(SIGNALS, public=True, query=("at",))
@api_view(["GET"])
def funding(request: Request, symbol: str) -> Response:
    """Rates, settlements, open interest and what both say together."""
    at_ms = past_views.asked_ms(request)
    if at_ms is not None:
        return Response(past_views.funding(_known(symbol), at_ms))
    return _ofsymbol_of(request, "funding", symbol, with_timeframe=False)


@extend_schema(summary="Correlation", parameters=[_OF, _AT], responses={200: ref("Correlation")})
@scope(SIGNALS, public=True, query=("at",))
@api_view(["GET"])
def correlation(request: Request, symbol: str) -> Response:
    """Beta and correlation with the other symbols, and who follows BTC by how many seconds."""
    if past_views.asked_ms(request) is not None:
        return Response(past_views.correlation(_known(symbol)))
    return _ofsymbol_of(request, "correlation", symbol, with_timeframe=False)


@extend_schema(
    summary="Nearest historical cases",
    parameters=[_OF, _TIMEFRAME, _AT],
    responses={200: ref("Analogs")},
)
@scope(SIGNALS, public=True, query=("timeframe", "at"))
@api_view(["GET"])
def analogs(request: Request, symbol: str) -> Response:
    """The stretches most like the last 32 candles, all before them, and how they went on."""
    at_ms = past_views.asked_ms(request)
    found = similar.analogs(api.live_origin(), _known(symbol), _timeframe(request), at_ms)
    if found is None:
        raise past_views.NotKept(
            "Too few candles are kept for this market and timeframe: at least 200 whole cases "
            "before the last 32 candles are needed."
        )
    return Response(found)


@extend_schema(
    summary="History of one factor",
    parameters=[
        _OF,
        OpenApiParameter("name", {"type": "string", "enum": list(CATALOGUE.names)}, "path"),
        _TIMEFRAME,
        _AT,
    ],
    responses={200: ref("FactorHistory")},
)
@scope(SIGNALS, public=True, query=("timeframe", "at"))
@api_view(["GET"])
def factor_history(request: Request, symbol: str, name: str) -> Response:
    """Its reading and its part in the score at the last closes, as they were judged then."""
    if name not in CATALOGUE.names:
        raise Http404
    at_ms = past_views.asked_ms(request)
    return Response(past_views.factor_history(_known(symbol), name, _timeframe(request), at_ms))


@extend_schema(
    summary="Signals",
    parameters=[
        OpenApiParameter("state", str, enum=["open", "settled"]),
        _SYMBOL,
        OpenApiParameter("timeframe", str, enum=_TIMEFRAMES),
        OpenApiParameter("origin", str, enum=[o.value for o in Origin]),
        count_parameter("cursor", MOST_CURSOR, "`next` of the page before"),
        count_parameter("limit", 100, "signals a page; 50 where it is left out"),
        _AT,
    ],
    responses={200: ref("SignalList")},
)
@scope(
    SIGNALS, public=True, query=("state", "symbol", "timeframe", "origin", "cursor", "limit", "at")
)
@api_view(["GET"])
def signal_list(request: Request) -> Response:
    """Signals newest first; `next` is the cursor of the following page."""
    query = request.query_params
    at_ms = past_views.asked_ms(request)
    if at_ms is not None:
        if "cursor" in query:
            raise InvalidInput("at gives one page, the newest first; leave cursor out")
        known = past.signals_at(
            _origin(request),
            to_datetime(at_ms),
            state=one_of(request, "state", ("open", "settled"), None),
            symbol=symbol_of(request),
            timeframe=_timeframe(request) if "timeframe" in query else None,
            limit=count(request, "limit", 50, 100),
            sees_live=api.sees_live(_viewer(request)),
        )
        late = api.delay_s(_viewer(request))
        return Response({"next": None, "open_delay_s": late, "results": known})
    found, following = signals.list_signals(
        state=one_of(request, "state", ("open", "settled"), None),
        symbol=symbol_of(request),
        timeframe=_timeframe(request) if "timeframe" in query else None,
        origin=_origin(request),
        before=count(request, "cursor", 0, MOST_CURSOR) or None,
        limit=count(request, "limit", 50, 100),
        sees_live=api.sees_live(_viewer(request)),
    )
    late = api.delay_s(_viewer(request))
    return Response({"next": following, "open_delay_s": late, "results": found})


@extend_schema(summary="One signal", responses={200: ref("Signal")})
@scope(SIGNALS, public=True)
@api_view(["GET"])
def signal_detail(request: Request, signal_id: UUID) -> Response:
    """A signal with its state, result and place in the chain."""
    found = api.signal_detail(signal_id, _viewer(request))
    if found is None:
        raise Http404
    return Response(found)


@extend_schema(summary="Recompute a signal", responses={200: ref("Recomputed")})
@scope(SIGNALS, public=True)
@api_view(["GET"])
def signal_recompute(request: Request, signal_id: UUID) -> Response:
    """Build the signal again from what was stored with it, and compare."""
    if api.signal_detail(signal_id, _viewer(request)) is None:
        raise Http404
    found = recomputing.recompute(signal_id)
    return Response(
        {
            "matches": found.matches,
            "stored": found.stored,
            "recomputed": found.recomputed,
            "differences": found.differences,
        }
    )


@extend_schema(
    summary="Track record",
    parameters=[
        OpenApiParameter("origin", str, enum=[o.value for o in Origin]),
        OpenApiParameter("timeframe", str, enum=_TIMEFRAMES),
        _SYMBOL,
    ],
    responses={200: ref("TrackRecord")},
)
@scope(SIGNALS, public=True, query=("origin", "timeframe", "symbol"))
@api_view(["GET"])
def track_record(request: Request) -> Response:
    """Measured win rate, mean R and reliability of one origin; origins are never mixed."""
    origin = _origin(request)
    timeframe = _timeframe(request) if "timeframe" in request.query_params else None
    found = records.track_record(origin, timeframe=timeframe, symbol=symbol_of(request))
    found["last_losers"] = signals.last_losers(origin)
    found["market"] = settings.MARKET
    return Response(found)


@extend_schema(
    summary="Chain of signals and settlements",
    parameters=[
        count_parameter("before", MOST_CURSOR, "links before this one; the newest if left out")
    ],
    responses={200: ref("Chain")},
)
@scope(SIGNALS, public=True, query=("before",))
@api_view(["GET"])
def chain(request: Request) -> Response:
    """The newest 200 links, the oldest first: SHA-256 of the one before, a line break, the text.

    The text of what is not public yet is null; it stands here once it is.
    """
    before = count(request, "before", 0, MOST_CURSOR) or None
    return Response(api.chain_links(_viewer(request), before))
