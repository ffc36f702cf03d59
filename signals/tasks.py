"""Background work of the signals room."""

import json
import os
import socket as os_socket
import threading
from typing import Any

import structlog
from celery import shared_task
from django.conf import settings

from cryptosystems.kernel.clock import SystemClock, to_datetime
from cryptosystems.kernel.errors import CryptoSystemsError
from cryptosystems.kernel.origin import Origin
from cryptosystems.kernel.timeframes import TIMEFRAMES
from cryptosystems.platform import leases
from signals.delivery import bus
from signals.engine.warm import STORED_CANDLES
from signals.models import OutboxEntry
from signals.store.candles import prune_candles
from signals.store.judgements import CLOSES_KEPT_MS, MINUTES_KEPT_MS, prune_judgements

log = structlog.get_logger(__name__)

_OUTBOX_KEPT_MS = 7 * 86_400_000


@shared_task
def train_model(origin: str) -> None:
    """Train, promote, then walk forward over history; a second call meanwhile does nothing."""
    from signals.services.training import record_walk_forward, train_on_history

    owner = f"{os_socket.gethostname()}-{os.getpid()}-{threading.get_ident()}"
    holding = leases.take(f"training:{origin}", owner)
    if holding is None:
        return
    client = bus.connect()

    def tell(stage: str, done: int, total: int, **more: Any) -> None:
        text = json.dumps({"stage": stage, "done": done, "total": total, **more})
        client.set(bus.TRAINING, text, ex=bus.TRAINING_TTL_S)

    with leases.kept(holding):
        try:
            tell("Reading history", 0, 1)
            trained = train_on_history(Origin(origin), to_datetime(SystemClock().now_ms()), tell)
            record_walk_forward(trained, tell)
            tell("Done", 1, 1)
        except CryptoSystemsError as error:
            log.exception("training_failed")
            tell("The model could not be trained", 0, 1, error=str(error))
        except Exception as error:  # told to the page before it goes on to the worker's log
            tell("The model could not be trained", 0, 1, error=f"{type(error).__name__}: {error}")
            raise


@shared_task
def prune() -> None:
    """Drop candles that charts no longer reach, and frames that were delivered long ago."""
    now_ms = SystemClock().now_ms()
    for origin in Origin:
        for timeframe in TIMEFRAMES:
            kept = 2 * STORED_CANDLES[timeframe] * timeframe.duration_ms
            prune_candles(origin, timeframe, now_ms - kept)
        prune_judgements(origin, now_ms - CLOSES_KEPT_MS, now_ms - MINUTES_KEPT_MS)
    OutboxEntry.objects.filter(at__lt=to_datetime(now_ms - _OUTBOX_KEPT_MS)).delete()
    log.info("pruned", market=settings.MARKET)
