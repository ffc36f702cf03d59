"""A wrong environment stops the start with one message that lists every problem."""

import pytest

from cryptosystems.settings.env import SETTINGS, WrongSettings, read


def test_defaults_are_enough() -> None:
    values = read({})
    assert values["MARKET"] == "simulated"
    assert set(values) == {setting.name for setting in SETTINGS}


def test_every_problem_is_named_at_once_with_what_was_expected() -> None:
    with pytest.raises(WrongSettings) as stopped:
        read({"MARKET": "moon", "HISTORY_DAYS": "-3", "DATABASE_URL": "mysql://x"})
    message = str(stopped.value)
    for name in ("MARKET", "HISTORY_DAYS", "DATABASE_URL"):
        assert name in message
    assert "simulated, replay, binance or demo" in message


def test_a_secret_is_never_repeated_in_the_message() -> None:
    secrets = [setting for setting in SETTINGS if setting.is_secret]
    assert secrets
    with pytest.raises(WrongSettings) as stopped:
        read({"MARKET": "moon", **{setting.name: "hunter2-hunter2" for setting in secrets}})
    assert "hunter2" not in str(stopped.value)
