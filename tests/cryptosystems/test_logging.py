"""No secret reaches a log line, by name, by shape, or at any depth."""

import pytest

from cryptosystems.platform.logging import HIDDEN, hide_secrets


@pytest.mark.parametrize(
    "event",
    [
        {"api_key": "hunter2"},
        {"secret": "hunter2", "event": "connected"},
        {"headers": {"Authorization": "Bearer hunter2"}},
        {"rows": [{"password": "hunter2"}]},
        {"url": "https://fapi.example/order?symbol=BTCUSDT&signature=hunter2"},
        {"event": "redis://user:hunter2@db.example:6379 is away"},
        {"error": "GET /x?listenKey=hunter2 failed"},
    ],
)
def test_a_secret_is_hidden(event: dict[str, object]) -> None:
    shown = str(hide_secrets(None, "info", dict(event)))
    assert "hunter2" not in shown
    assert HIDDEN in shown


def test_what_is_no_secret_stays_readable() -> None:
    event = {"event": "stream_dead", "stream": "btcusdt@kline_1m", "age_s": 91.5}
    assert hide_secrets(None, "info", dict(event)) == event
