"""A browser on the product's pages: real server, socket and bus, the engine played by hand."""

import os
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Any

import pytest

from tests.frontend.played_engine import PlayedEngine

os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright's sync API runs an event loop

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1440, "height": 900}


@dataclass(frozen=True)
class Site:
    """Where the pages are served."""

    url: str

    @property
    def dashboard(self) -> str:
        return self.url + "/ai-trading/dashboard"


@pytest.fixture
def engine(redis_url: str) -> Iterator[PlayedEngine]:
    """An engine that is ready, with 300 markets."""
    played = PlayedEngine().start()
    yield played
    played.stop()


@pytest.fixture
def site(transactional_db: None, engine: PlayedEngine, settings: Any) -> Iterator[Site]:
    """The product's HTTP and socket application on a port of its own; it stops before the engine."""
    import uvicorn
    from channels.auth import AuthMiddlewareStack
    from channels.routing import ProtocolTypeRouter, URLRouter
    from channels.security.websocket import AllowedHostsOriginValidator
    from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
    from django.core.asgi import get_asgi_application

    from cryptosystems.routing import websocket_urlpatterns

    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    application = ProtocolTypeRouter(
        {
            "http": ASGIStaticFilesHandler(get_asgi_application()),
            "websocket": AllowedHostsOriginValidator(
                AuthMiddlewareStack(URLRouter(websocket_urlpatterns))
            ),
        }
    )
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        application, log_level="error", lifespan="off", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    _wait(lambda: server.started)
    yield Site(f"http://127.0.0.1:{listening.getsockname()[1]}")
    server.should_exit = True
    thread.join(10)
    listening.close()


def _wait(condition: Any, timeout_s: float = 10.0) -> None:
    end = monotonic() + timeout_s
    while not condition():
        assert monotonic() < end, f"waited {timeout_s} s in vain"
        sleep(0.01)


def _chromium(playwright: Any) -> str | None:
    for name in (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name) if name else None
        if found:
            return found
    own = Path(playwright.chromium.executable_path)
    return str(own) if own.exists() else None


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One browser for the session."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = _chromium(playwright)
        if path is None:
            pytest.skip(
                "No Chromium was found. Install one (`apt-get install chromium`, or "
                "`playwright install chromium`), or name it in the variable CHROMIUM."
            )
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


_WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (e) =>
  window.violations.push(`${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}:${e.lineNumber}`));
window.shift = 0;
new PerformanceObserver((list) => {
  for (const e of list.getEntries()) if (!e.hadRecentInput) window.shift += e.value;
}).observe({ type: "layout-shift", buffered: true });
if (!localStorage.getItem("theme")) localStorage.setItem("theme", "dark");
"""


@pytest.fixture
def page(chromium: Any, site: Site, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A page at 1440 × 900 (or what `viewport` marks); no script error, no breach of the CSP."""
    viewport = getattr(request, "param", DESKTOP)
    context = chromium.new_context(viewport=viewport)
    context.set_default_timeout(15_000)
    context.add_init_script(_WATCH)
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    violations = opened.evaluate("window.violations || []")
    context.close()
    assert errors == []
    assert violations == []
