"""A lane in a process of its own that really dies: forked, so that it costs no start."""

import asyncio
import os
import signal
import threading
import traceback
from collections.abc import Callable
from typing import Final

import httpx
from django.db import connections

from tests.faults.stage import Stage
from tests.trading.executor.stage import Served

_FAILED: Final = 1


def dies_at(stage: Stage, crash_at: str, live: Callable[[Stage], None]) -> bool:
    """Let another process look after the account until it dies at a point; say whether it did.

    Nothing of it is left but rows and the exchange. It shares no socket and no connection.
    """
    stage.stop()
    connections.close_all()
    pid = os.fork()
    if pid == 0:
        _be_the_other(stage, crash_at, live)
    _, status = os.waitpid(pid, 0)
    stage.catch_up()
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.waitstatus_to_exitcode(status) != _FAILED, "the other process failed, see its output"
    return False


def _be_the_other(stage: Stage, crash_at: str, live: Callable[[Stage], None]) -> None:
    try:
        os.environ["CRASH_AT"] = crash_at
        loop = asyncio.new_event_loop()
        threading.Thread(target=loop.run_forever, daemon=True).start()
        stage.loop, stage.db = loop, Served(loop)
        stage.venue.http = httpx.Client(base_url=stage.venue.base_url, timeout=10.0)
        stage.begin()
        live(stage)
    except BaseException:
        traceback.print_exc()
        os._exit(_FAILED)
    os._exit(0)
