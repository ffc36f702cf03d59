"""Frames as the exchange writes them today, one of each shape, and what we make of them.

The shapes are those of late 2026: spaces inside kline payloads, symbols outside ASCII, `nq`,
`ap`, `st` and `ps`. The numbers are made up.
"""

import json
from math import isnan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptosystems.kernel.instruments import Side
from signals.ingest.parse import SHUTDOWN, ParseError, Parser
from signals.market.events import (
    BookPartial,
    BookTop,
    CandleUpdate,
    DepthDiff,
    Liquidation,
    MarkPrice,
    Trade,
)

AT = 1_790_000_000_500


def frame(stream: str, data: str) -> bytes:
    return f'{{"stream":"{stream}","data":{data}}}'.encode()


def only(stream: str, data: str) -> object:
    heard, events = Parser().parse(frame(stream, data), AT)
    assert heard == stream
    (event,) = events
    return event


def test_a_kline_with_spaces_in_it_is_a_candle() -> None:
    event = only(
        "btcusdt@kline_1m",
        '{"e":"kline","E":1790000000304,"s":"BTCUSDT","k":{"t":1789999980000, "T":1790000039999, '
        '"s":"BTCUSDT", "i":"1m", "f":8100, "L":8184, "o":"84000.20", "c":"84001.10", '
        '"h":"84008.90", "l":"83990.70", "v":"104.194", "n":85, "x":false, "q":"8752500.55440", '
        '"V":"56.811", "Q":"4772300.95620", "B":"0"}}',
    )
    assert event == CandleUpdate(
        "BTCUSDT", 1790000000304, AT, 1789999980000, 84000.2, 84008.9, 83990.7, 84001.1,
        104.194, 8752500.5544, 56.811, 85.0, False,
    )  # fmt: skip


def test_a_liquidation_of_a_symbol_outside_ascii_closes_a_long() -> None:
    event = only(
        "!forceOrder@arr",
        '{"e":"forceOrder","E":1790000000773,"o":{"s":"龙马USDT","S":"SELL","o":"LIMIT","f":"IOC",'
        '"q":"9000","p":"0.1005200","ap":"0.1057892","X":"FILLED","l":"55","z":"8900",'
        '"T":1789999999763,"ps":"龙马USDT","st":1}}',
    )
    assert event == Liquidation("龙马USDT", 1789999999763, AT, Side.LONG, 0.1057892, 8900.0), (
        "at its average price, what was filled, by its own time"
    )


def test_a_bought_back_short_is_told_from_a_sold_long() -> None:
    event = only(
        "stgusdt@forceOrder",
        '{"e":"forceOrder","E":1790000000615,"o":{"s":"STGUSDT","S":"BUY","o":"LIMIT","f":"IOC",'
        '"q":"5","p":"0.1336","ap":"0","X":"NEW","l":"0","z":"0","T":1789999999607}}',
    )
    assert event == Liquidation("STGUSDT", 1789999999607, AT, Side.SHORT, 0.1336, 5.0)


def test_an_array_of_marks_keeps_only_our_family() -> None:
    ours = (
        '{"e":"markPriceUpdate","E":1790000000000,"s":"BTCUSDT","p":"84551.10","ap":"84551.10",'
        '"P":"84559.0","i":"84590.8","r":"0.00000801","T":1790006400000,"st":1}'
    )
    theirs = ours.replace("BTCUSDT", "BTCUSD_PERP").replace('"st":1', '"st":2')
    dated = ours.replace("BTCUSDT", "BTCUSDT_270326").replace('"0.00000801"', '""')
    _, events = Parser().parse(frame("!markPrice@arr@1s", f"[{ours},{theirs},{dated}]"), AT)
    assert events[0] == MarkPrice(
        "BTCUSDT", 1790000000000, AT, 84551.1, 84590.8, 0.00000801, 1790006400000
    )
    assert [event.symbol for event in events] == ["BTCUSDT", "BTCUSDT_270326"]
    assert isinstance(events[1], MarkPrice) and isnan(events[1].funding_rate)


def test_trades_best_prices_and_books_are_read_with_their_new_fields() -> None:
    trade = only(
        "ethusdt@aggTrade",
        '{"e":"aggTrade","E":1790000000451,"a":31015,"s":"ETHUSDT","p":"2690.18","q":"0.909",'
        '"nq":"0.700","f":87906,"l":87915,"T":1790000000300,"m":false,"st":1}',
    )
    assert trade == Trade("ETHUSDT", 1790000000451, AT, 31015, 2690.18, 0.909, True)
    top = only(
        "btcusdt@bookTicker",
        '{"e":"bookTicker","u":116716,"s":"BTCUSDT","ps":"BTCUSDT","b":"84551.00","B":"2.646",'
        '"a":"84551.10","A":"5.302","T":1790000000439,"E":1790000000440,"st":1}',
    )
    assert top == BookTop("BTCUSDT", 1790000000440, AT, 116716, 84551.0, 2.646, 84551.1, 5.302)
    depth = (
        '{"e":"depthUpdate","E":1790000000440,"T":1790000000439,"s":"BTCUSDT","U":10,"u":17,'
        '"pu":8,"b":[["84551.00","2.646"],["84550.90","0"]],"a":[["84551.10","5.302"]],'
        '"ps":"BTCUSDT","st":1}'
    )
    bids, asks = [(84551.0, 2.646), (84550.9, 0.0)], [(84551.1, 5.302)]
    assert only("btcusdt@depth20@500ms", depth) == BookPartial(
        "BTCUSDT", 1790000000440, AT, 17, bids, asks
    )
    for name in ("depth", "depth@100ms", "depth@500ms", "depth@0ms"):
        assert only(f"btcusdt@{name}", depth) == DepthDiff(
            "BTCUSDT", 1790000000440, AT, 10, 17, 8, bids, asks
        )


def test_a_frame_with_its_keys_in_another_order_is_read_all_the_same() -> None:
    data = {"e": "bookTicker", "u": 1, "s": "BTCUSDT", "b": "1", "B": "2", "a": "3", "A": "4"}
    text = json.dumps({"data": data, "stream": "btcusdt@bookTicker"}).encode()
    stream, (event,) = Parser().parse(text, AT)
    assert stream == "btcusdt@bookTicker" and event.received_ms == AT


@pytest.mark.parametrize("text", ['{"result":null,"id":1}', '{"code":2,"msg":"Invalid request"}'])
def test_answers_to_commands_are_no_events(text: str) -> None:
    assert Parser().parse(text.encode(), AT) == ("", [])


def test_a_shutdown_notice_is_told_apart() -> None:
    assert Parser().parse(b'{"e":"serverShutdown","E":1790000000000}', AT) == (SHUTDOWN, [])


BAD = [
    b"",
    b"null",
    b"<html>502</html>",
    b'{"stream":"btcusdt@kline_1m","data":{}}',
    b'{"stream":"btcusdt@kline_1m","data":',
    b'{"stream":"btcusdt@nothing","data":{}}',
    b'{"stream":"btcusdt@depth20@500ms","data":{"E":1,"s":"X","U":1,"u":1,"pu":1,"b":[["NaN","1"]],"a":[]}}',
    b'{"stream":"btcusdt@depth20@500ms","data":{"E":1,"s":"X","U":1,"u":1,"pu":1,"b":[["1","-1"]],"a":[]}}',
    b'{"stream":"btcusdt@depth20@500ms","data":{"E":1,"s":"X","U":1,"u":1,"pu":1,"b":[["1","inf"]],"a":[]}}',
    b'{"stream":"!markPrice@arr@1s","data":{"s":"BTCUSDT"}}',
    b'{"stream":"\xff\xfe","data":{}}',
    b'{"stream":"!forceOrder@arr","data":{"E":1,"o":{"s":"X"}}}',
    b"\x80\x81",
]


@pytest.mark.parametrize("payload", BAD)
def test_what_cannot_be_read_is_refused_with_one_kind_of_error(payload: bytes) -> None:
    with pytest.raises(ParseError):
        Parser().parse(payload, AT)


@given(st.binary(max_size=200), st.integers(0, 400))
def test_no_bytes_whatever_bring_the_reader_down(noise: bytes, at: int) -> None:
    good = frame(
        "btcusdt@depth20@500ms", '{"E":1,"s":"X","U":1,"u":1,"pu":1,"b":[["1","2"]],"a":[]}'
    )
    for payload in (noise, good[:at], good[:at] + noise + good[at:]):
        try:
            Parser().parse(payload, AT)
        except ParseError:
            continue
