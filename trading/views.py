"""Trading as JSON: bots, positions, executions, trades. Thin: everything is the door's."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.http import Http404
from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.decorators import api_view, renderer_classes
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from billing import api as billing
from billing.contracts import Feature
from cryptosystems.kernel.errors import InvalidInput, NotAllowed
from cryptosystems.platform.csv_files import csv_answer, json_answer
from cryptosystems.platform.openapi import count_parameter, ref
from cryptosystems.platform.query import count, one_of
from cryptosystems.platform.scopes import ACCOUNT, TRADE, caller_id, scope
from cryptosystems.platform.serializers import StrictChoice, StrictFlag, StrictSerializer
from trading import api
from trading.bodies import body
from trading.contracts import AccountView, BotMode, TradeLine, TradeState, Venue
from trading.services.settings import LIMITS

MOST: Final = 200
_STATES: Final = tuple(state.value for state in TradeState)
COLUMNS: Final = (
    "trade", "account", "venue", "signal", "symbol", "side", "timeframe", "state", "how", "reason",
    "sentence", "quantity", "entry_price", "exit_price", "realised", "fees", "funding",
    "result_r", "model_r", "decided_at", "opened_at", "closed_at",
)  # fmt: skip


class CsvRenderer(JSONRenderer):
    """Lets `Accept: text/csv` in; the file is no work of a renderer, and an error stays JSON."""

    media_type = "text/csv"
    format = "csv"


class ModeOrder(StrictSerializer):
    """What the bot is to do."""

    mode = StrictChoice(choices=tuple(mode.value for mode in BotMode))


class AutomationOrder(StrictSerializer):
    """Whether the bot takes signals by itself."""

    is_automatic = StrictFlag()


def _found(view: Any) -> Any:
    if view is None:
        raise Http404
    return view


def _account(request: Request, account_id: UUID) -> AccountView:
    """Return the caller's account; of somebody else's nothing is told, not even by a bad body."""
    held = api.account(caller_id(request), account_id)
    if held is None:
        raise Http404
    return held


def _own(request: Request, account_id: UUID) -> UUID:
    return _account(request, account_id).id


def _refuse_without_proof(held: AccountView, what: str) -> None:
    """Refuse what adds risk where an exchange is behind it: a token is no second factor (SE-16)."""
    if held.venue is not Venue.PAPER:
        raise NotAllowed(
            f"{what} on /account/bot, where your second factor is asked.", code="second_factor"
        )


def _own_trade(request: Request, trade_id: UUID) -> UUID:
    if api.trade(caller_id(request), trade_id) is None:
        raise Http404
    return trade_id


def _account_parameter(request: Request) -> UUID | None:
    text = request.query_params.get("account")
    if text is None:
        return None
    try:
        return UUID(text)  # somebody else's gives an empty list: every query starts from the user
    except ValueError:
        raise InvalidInput("account is the id of one of your accounts; see /api/v1/bot") from None


def _cursor(request: Request) -> datetime | None:
    """Return the time a cursor stands for: microseconds since 1970, so that no page is cut."""
    text = request.query_params.get("cursor")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 16):
        raise InvalidInput("cursor is `next` of the page before, as it was told")
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(text))


ACCOUNT_PARAMETER: Final = OpenApiParameter("account", OpenApiTypes.UUID, description="one account")


@extend_schema(summary="Your bots", responses={200: ref("BotList")})
@scope(ACCOUNT)
@api_view(["GET"])
def bot_list(request: Request) -> Response:
    """One a trading account, paper first: mode, limits and what they mean in money now."""
    user_id = caller_id(request)
    found = [api.bot_view(user_id, account.id) for account in api.accounts_of(user_id)]
    return Response({"results": [body(bot) for bot in found]})


@extend_schema(
    summary="One bot",
    methods=["GET"],
    responses={200: ref("Bot")},
)
@extend_schema(
    summary="Change limits of a bot",
    methods=["PATCH"],
    request={"application/json": ref("BotLimits")},
    responses={200: ref("Bot")},
)
@scope(ACCOUNT, acts=TRADE)
@api_view(["GET", "PATCH"])
def bot(request: Request, account_id: UUID) -> Response:
    """Limits that allow more risk on real money are raised on the page, with a second factor."""
    user_id = caller_id(request)
    held = _account(request, account_id)
    if request.method == "PATCH":
        changes = _object(request)
        if api.raises_risk(user_id, account_id, changes):
            _refuse_without_proof(held, "Raise limits of an exchange account")
        return Response(body(api.save_limits(user_id, account_id, changes)))
    return Response(body(api.bot_view(user_id, account_id)))


def _object(request: Request) -> dict[str, Any]:
    data = request.data
    if not isinstance(data, dict) or not data:
        raise InvalidInput(f"Send one JSON object with at least one of {', '.join(LIMITS)}.")
    return {str(name): inner for name, inner in data.items()}


@extend_schema(
    summary="What a bot does",
    request={"application/json": ref("BotMode")},
    responses={200: ref("Bot")},
)
@scope(ACCOUNT, acts=TRADE)
@api_view(["POST"])
def bot_mode(request: Request, account_id: UUID) -> Response:
    """Exits only and off at once. Trading only on paper: for an exchange the page asks for proof."""
    held = _account(request, account_id)
    order = ModeOrder(data=request.data)
    order.is_valid(raise_exception=True)
    mode = BotMode(order.validated_data["mode"])
    if mode is BotMode.TRADING:
        _refuse_without_proof(held, "Let the bot of an exchange account trade")
    return Response(body(api.set_mode(caller_id(request), account_id, mode)))


@extend_schema(
    summary="Switch a bot off",
    request={"application/json": ref("BotAutomation")},
    responses={200: ref("Bot")},
)
@scope(ACCOUNT, acts=TRADE)
@api_view(["POST"])
def bot_automation(request: Request, account_id: UUID) -> Response:
    """Off at once. On only for paper: for an exchange the page asks for the second factor."""
    held = _account(request, account_id)
    order = AutomationOrder(data=request.data)
    order.is_valid(raise_exception=True)
    is_on = order.validated_data["is_automatic"]
    if is_on:
        _refuse_without_proof(held, "Switch the bot of an exchange account on")
    return Response(body(api.set_automatic(caller_id(request), account_id, is_on)))


@extend_schema(
    summary="Close everything of a bot",
    request=None,
    responses={200: ref("Flattened")},
)
@scope(ACCOUNT, acts=TRADE)
@api_view(["POST"])
def bot_flatten(request: Request, account_id: UUID) -> Response:
    """Entries are cancelled, positions closed at market, and the bot is switched off."""
    n = api.flatten(caller_id(request), _own(request, account_id))
    return Response({"closing": n})


@extend_schema(
    summary="Open positions",
    parameters=[ACCOUNT_PARAMETER],
    responses={200: ref("PositionList")},
)
@scope(ACCOUNT, query=("account",))
@api_view(["GET"])
def position_list(request: Request) -> Response:
    """Each with the proof of its stop: when the exchange last confirmed it, and its id there."""
    found = api.positions_of(caller_id(request), _account_parameter(request))
    return Response({"results": [body(position) for position in found]})


@extend_schema(
    summary="Trades",
    parameters=[
        ACCOUNT_PARAMETER,
        OpenApiParameter("state", str, enum=_STATES),
        OpenApiParameter(
            "cursor",
            {"type": "string", "pattern": "^[0-9]{1,16}$"},
            description="`next` of the page before",
        ),
        count_parameter("limit", MOST, "trades a page; 50 where it is left out"),
    ],
    responses={200: ref("TradeList")},
)
@scope(ACCOUNT, query=("account", "state", "cursor", "limit"))
@api_view(["GET"])
def execution_list(request: Request) -> Response:
    """What was done about signals, the skipped ones with the reason; newest first."""
    found, following = api.trades_of(
        caller_id(request),
        account_id=_account_parameter(request),
        state=one_of(request, "state", _STATES, None),
        before=_cursor(request),
        limit=count(request, "limit", 50, MOST),
    )
    microseconds = None if following is None else str(round(following.timestamp() * 1e6))
    return Response({"next": microseconds, "results": [body(line) for line in found]})


@extend_schema(
    summary="Trades as a file",
    parameters=[
        ACCOUNT_PARAMETER,
        OpenApiParameter("format", str, enum=("csv", "json"), default="csv"),
    ],
    responses={
        (200, "text/csv"): OpenApiResponse(
            OpenApiTypes.STR, description=f"The columns {', '.join(COLUMNS)}; the newest first."
        ),
        (200, "application/json"): ref("TradeFile"),
    },
)
@scope(ACCOUNT, query=("account", "format"))
@api_view(["GET"])
@renderer_classes([JSONRenderer, CsvRenderer])
def execution_export(request: Request) -> HttpResponseBase:
    """All trades of the last 366 days, with fees, funding and results. Your own data: no plan is needed.

    Sent row by row; at most 50,000 trades, and as many files an hour as of signals, counted together.
    """
    asked = one_of(request, "format", ("csv", "json"), "csv")
    file = api.trade_file(caller_id(request), account_id=_account_parameter(request))
    rows = (_row(line, is_text=asked == "json") for line in file.lines)
    name = f"trades-{timezone.now():%Y%m%d}"
    if asked == "csv":
        return csv_answer(request._request, name, COLUMNS, rows)
    return json_answer(request._request, name, {"count": file.n}, COLUMNS, rows)


def _row(line: TradeLine, *, is_text: bool) -> list[Any]:
    """Return a trade's cells; numbers are text in JSON (exact) and numbers in a spreadsheet."""
    told = body(line)
    told.update(trade=told["id"], account=told["account_id"], signal=told["signal_id"])
    if not is_text:
        told.update(
            (name, Decimal(told[name]) or 0)
            for name in COLUMNS
            if isinstance(getattr(line, name, None), Decimal)
        )
    return [told[name] for name in COLUMNS]


@extend_schema(summary="One trade", responses={200: ref("TradeDetail")})
@scope(ACCOUNT)
@api_view(["GET"])
def trade(request: Request, trade_id: UUID) -> Response:
    """Plan, orders, fills and the journal: the story from signal to last fill."""
    return Response(body(_found(api.trade(caller_id(request), trade_id))))


@extend_schema(summary="Close a trade", request=None, responses={200: ref("Trade")})
@scope(ACCOUNT, acts=TRADE)
@api_view(["POST"])
def trade_close(request: Request, trade_id: UUID) -> Response:
    """Closed at market; it is tried without end until it is flat."""
    return Response(body(api.close_trade(caller_id(request), _own_trade(request, trade_id))))


@extend_schema(summary="Say yes to an offered trade", request=None, responses={200: ref("Trade")})
@scope(ACCOUNT, acts=TRADE)
@api_view(["POST"])
def trade_approve(request: Request, trade_id: UUID) -> Response:
    """Within its time; the same limits apply as to any other entry."""
    return Response(body(api.approve(caller_id(request), _own_trade(request, trade_id))))


@extend_schema(summary="Say no to an offered trade", request=None, responses={200: ref("Trade")})
@scope(ACCOUNT, acts=TRADE)
@api_view(["POST"])
def trade_decline(request: Request, trade_id: UUID) -> Response:
    """No answer is a no as well."""
    return Response(body(api.decline(caller_id(request), _own_trade(request, trade_id))))


@extend_schema(summary="Follow a signal on paper", request=None, responses={200: ref("Trade")})
@scope(ACCOUNT, acts=TRADE)
@api_view(["POST"])
def follow(request: Request, signal_id: UUID) -> Response:
    """By hand, on your paper account; following twice is the same trade."""
    billing.require(caller_id(request), Feature.PAPER)
    return Response(body(api.follow(caller_id(request), signal_id)))
