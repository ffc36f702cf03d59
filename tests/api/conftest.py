"""The product's own web application on a port, for scripts and browsers."""

import os
import socket
from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest

from tests.support.waiting import wait_until

os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright's sync API runs an event loop


@pytest.fixture
def served(transactional_db: None, redis_url: str, settings: Any) -> Iterator[str]:
    """Serve pages, JSON and sockets; yield the address."""
    import uvicorn
    from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler

    from cryptosystems.asgi import application

    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    pages = dict(application.application_mapping)
    pages["http"] = ASGIStaticFilesHandler(pages["http"])
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        type(application)(pages), log_level="error", lifespan="off", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    wait_until(lambda: server.started)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
    listening.close()
