"""The workspace as JSON Schema for the API's description."""

from typing import Any

from cryptosystems.platform.openapi import (
    COUNT,
    FLAG,
    NUMBER,
    TEXT,
    TIME,
    UUID,
    add_to,
    array,
    nullable,
    record,
    ref,
    words,
)
from workspace import domain
from workspace.contracts import AlertKind

_SYMBOL = {"type": "string", "pattern": domain.SYMBOL.pattern, "examples": ["BTCUSDT"]}
_NAME = {"type": "string", "minLength": 1, "maxLength": 40}


def _closed(schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**schema, "additionalProperties": False, **more}


def _body() -> dict[str, Any]:
    slots = {name: words(*domain.SLOTS) for name in domain.PANELS}
    sizes = {
        name: {"type": "integer", "minimum": low, "maximum": high}
        for name, (low, high) in domain.SIZES.items()
    }
    chart = _closed(record(symbol=_SYMBOL, timeframe=words(*domain.TIMEFRAMES)))
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "slots": _closed(record(**slots)),
            "sizes": {"type": "object", "properties": sizes, "additionalProperties": False},
            "hidden": array(words(*domain.HIDABLE)),
            "layers": array(words(*domain.LAYERS)),
            "charts": {**array(chart), "maxItems": 3},
            "symbol": _SYMBOL,
            "timeframe": words(*domain.TIMEFRAMES),
            "tab": words(*domain.TABS),
        },
    }


def add_components(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add layouts, watch-lists, drawings and alerts."""
    point = {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2}
    drawing = _closed(
        record(
            id={"type": "string", "pattern": "^[a-z0-9-]{1,24}$"},
            kind=words(*domain.DRAWING_KINDS),
            points={"type": "array", "items": point, "minItems": 2, "maxItems": 2},
        )
    )
    drawings = {**array(drawing), "maxItems": domain.MOST_DRAWINGS}
    lists = array(_closed(record(name=_NAME, symbols=array(_SYMBOL))))
    level = {"type": "string", "pattern": r"^-?[0-9]{1,12}(\.[0-9]{1,12})?$"}
    layout = record(
        id=UUID,
        name=TEXT,
        body=ref("LayoutBody"),
        is_current=FLAG,
        share_token={"type": "string", "description": "empty while it is not shared"},
        updated_at=TIME,
    )
    change = {"name": _NAME, "body": ref("LayoutBody"), "is_current": FLAG, "is_shared": FLAG}
    alert = record(
        id=UUID,
        symbol=TEXT,
        kind=words(*AlertKind),
        level=nullable(level),
        note=TEXT,
        created_at=TIME,
        fired_at=nullable(TIME),
        fired_value=nullable(TEXT),
        is_seen=FLAG,
    )
    return add_to(
        result,
        LayoutBody=_body(),
        Layout=layout,
        LayoutOrder=_closed(record(name=_NAME, body=ref("LayoutBody"))),
        LayoutChange={
            "type": "object",
            "properties": change,
            "additionalProperties": False,
            "minProperties": 1,
        },
        SharedLayout=record(name=TEXT, body=ref("LayoutBody")),
        Drawings=record(symbol=TEXT, version=COUNT, items=drawings),
        DrawingsChange=_closed(record(items=drawings, version={"type": "integer", "minimum": 0})),
        WatchLists=record(lists=lists),
        WatchListsChange=_closed(record(lists=lists)),
        Alert=alert,
        AlertList=record(results=array(ref("Alert"))),
        AlertOrder=_closed(
            record(
                "level",
                "note",
                symbol=_SYMBOL,
                kind=words(*AlertKind),
                level=nullable(level),
                note={"type": "string", "maxLength": 120},
            )
        ),
        Workspace=record(
            layouts=array(ref("Layout")), watch_lists=lists, alerts=array(ref("Alert"))
        ),
    )
