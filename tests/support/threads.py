"""Several callers at the same moment, each with its own database connection."""

import threading
from collections.abc import Callable
from typing import TypeVar

from django.db import connection

Given = TypeVar("Given")


def together(*calls: Callable[[], Given], timeout_s: float = 60.0) -> list[Given]:
    """Start all calls at one barrier; return what they gave, or raise what the first one raised."""
    barrier = threading.Barrier(len(calls))
    given: dict[int, Given] = {}
    raised: list[BaseException] = []

    def run(number: int, call: Callable[[], Given]) -> None:
        try:
            barrier.wait(timeout_s)
            given[number] = call()
        except BaseException as error:  # carried over to the test's own thread
            raised.append(error)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=run, args=(number, call)) for number, call in enumerate(calls)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout_s)
        assert not thread.is_alive(), f"a call did not end within {timeout_s} s"
    if raised:
        raise raised[0]
    return [given[number] for number in range(len(calls))]
