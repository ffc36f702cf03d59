"""Pictures of every page: 1440 and 390 wide, dark and light, into `docs/screens/`.

`bin/screens` starts the whole product on a simulated market, waits until it is ready, takes them,
and ends it. With `--url` it takes them from a product that already runs. WebP, and
smaller the more there are: all of them together stay below `MOST_BYTES`.
"""

import argparse
import base64
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from tests.support.browsers import chromium_browser
from tests.support.waiting import wait_until

ROOT: Final = Path(__file__).parents[2]
OUT: Final = ROOT / "docs" / "screens"
MOST_BYTES: Final = 4_000_000
QUALITIES: Final = ((0.6, 1.0), (0.4, 1.0), (0.45, 0.75), (0.3, 0.66), (0.2, 0.5))
"""Quality and scale, tried in this order."""
SIZES: Final = ((1440, 900, 1_200), (390, 844, 1_500))
"""Width, height of the window, and how much of a longer page is kept."""
READY_S: Final = 900.0
SETTLE_MS: Final = 900
_TO_WEBP: Final = """async ([source, quality, scale]) => {
  const picture = new Image();
  picture.src = source;
  await picture.decode();
  const canvas = document.createElement("canvas");
  canvas.width = picture.naturalWidth * scale;
  canvas.height = picture.naturalHeight * scale;
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/webp", quality);
}"""
PAGES: Final = (
    ("landing", "/", ""),
    ("dashboard", "/ai-trading/dashboard", ""),
    ("dashboard-trial", "/ai-trading/dashboard", "trial"),
    ("signal", "/ai-trading/signals/{signal}", "trial"),
    ("track-record", "/ai-trading/track-record", ""),
    ("plans", "/ai-trading/plans-pricing", ""),
    ("learn", "/ai-trading/learn", ""),
    ("lesson", "/ai-trading/learn/liquidation-and-heatmap", ""),
    ("blog", "/blog/", ""),
    ("article", "/blog/what-is-crypto-liquidation", ""),
    ("tools", "/tools/", ""),
    ("tool-liquidation", "/tools/liquidation-price", ""),
    ("tool-size", "/tools/position-size?signal={signal}", "trial"),
    ("tool-funding", "/tools/funding", ""),
    ("tool-reward", "/tools/risk-reward", ""),
    ("tool-wrong", "/tools/pnl?quantity=-3&leverage=x", ""),
    ("status", "/status", ""),
    ("sign-in", "/accounts/login/", ""),
    ("sign-up", "/accounts/signup/", ""),
    ("account", "/account/", "trial"),
    ("bot", "/account/bot", "trial"),
    ("orders", "/account/orders", "trial"),
    ("trade", "/account/orders/{trade}", "trial"),
    ("keys", "/account/api-keys", "trial"),
    ("billing", "/account/billing", "trial"),
    ("security", "/account/security", "trial"),
    ("settings", "/account/settings", "trial"),
    ("not-found", "/no-such-page", ""),
    ("offline", "/offline", ""),
    ("console", "/admin/", "staff"),
    ("components", "/admin/components/", "staff"),
)


@dataclass(frozen=True)
class Shot:
    """One picture before it is made small."""

    name: str
    png: bytes


@contextmanager
def running() -> Iterator[str]:
    """Start the product as a newcomer does, on a storage of its own."""
    with tempfile.TemporaryDirectory(prefix="cs-screens-") as folder, socket.socket() as free:
        storage = Path(folder) / "storage"
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        command = [sys.executable, "manage.py", "up", "--port", str(port)]
        output = Path(folder, "up.log")
        with output.open("wb") as file:
            process = subprocess.Popen(
                [*command, "--symbols", "24", "--days", "40"],
                cwd=ROOT,
                env={**os.environ, "STORAGE_DIR": str(storage)},
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_ready(process, url, output)
            yield url
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, output: Path) -> None:
    def is_over() -> bool:
        if process.poll() is not None:
            return True
        try:
            return httpx.get(url + "/readyz", timeout=5.0).status_code == 200
        except httpx.HTTPError:
            return False

    with suppress(AssertionError):  # it took too long: the same words as for one that ended
        wait_until(is_over, READY_S, every_s=1.0)
        if process.poll() is None:
            return
    raise SystemExit(f"the product did not become ready:\n{output.read_text()[-2_000:]}")


def guests(url: str) -> dict[str, str]:
    """Have people made in the product's database; return how to come in as them."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.screen_guests"],
        cwd=ROOT,
        env=environment_of(url),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"no guests: {done.stderr[-2_000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def environment_of(url: str) -> dict[str, str]:
    """Return the settings of the web process that serves an address of this machine."""
    port = url.rsplit(":", 1)[-1].strip("/").encode()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (process / "cmdline").read_bytes().split(b"\0")
            if b"uvicorn" in arguments and port in arguments:
                pairs = (process / "environ").read_bytes().split(b"\0")
                return dict(pair.decode().split("=", 1) for pair in pairs if b"=" in pair)
        except OSError:
            continue
    raise SystemExit(f"no web process of ours serves {url}")


def shots(browser: Any, url: str, who: dict[str, str]) -> Iterator[Shot]:
    """Visit each page at each width in each theme; what is not there is left out, and said."""
    for width, height, most in SIZES:
        for theme in ("dark", "light"):
            for role in ("", "trial", "staff"):
                context = browser.new_context(
                    viewport={"width": width, "height": height},
                    color_scheme=theme,
                    reduced_motion="reduce",
                    service_workers="block",
                )
                context.add_init_script(f"localStorage.setItem('theme', '{theme}')")
                if role:
                    cookie = {"name": "sessionid", "value": who[role], "url": url}
                    context.add_cookies([cookie])
                page = context.new_page()
                for name, path, needs in PAGES:
                    if needs != role:
                        continue
                    answer = page.goto(url + path.format(**who), wait_until="load")
                    if answer.status >= 400 and name != "not-found":
                        say(f"{name}: {answer.status}, left out")
                        continue
                    page.wait_for_timeout(SETTLE_MS)
                    tall = page.evaluate("document.documentElement.scrollHeight")
                    page.set_viewport_size({"width": width, "height": max(height, min(tall, most))})
                    yield Shot(f"{name}-{width}-{theme}", page.screenshot())
                    page.set_viewport_size({"width": width, "height": height})
                context.close()


def keep(browser: Any, taken: list[Shot]) -> int:
    """Write all pictures as WebP, as fine as the limit lets them be; return their bytes."""
    page = browser.new_page()
    for quality, scale in QUALITIES:
        made = {}
        for shot in taken:
            source = "data:image/png;base64," + base64.b64encode(shot.png).decode()
            address: str = page.evaluate(_TO_WEBP, [source, quality, scale])
            made[shot.name] = base64.b64decode(address.partition(",")[2])
        total = sum(len(data) for data in made.values())
        if total <= MOST_BYTES:
            break
    else:
        raise SystemExit(f"{total} bytes even at the lowest quality; the limit is {MOST_BYTES}")
    OUT.mkdir(parents=True, exist_ok=True)
    for old in OUT.glob("*.webp"):
        old.unlink()
    for name, data in made.items():
        (OUT / f"{name}.webp").write_bytes(data)
    return total


def say(words: str) -> None:
    """Write a line for whoever waits."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def take(url: str) -> None:
    """Take all pictures from a running product."""
    who = guests(url)
    with chromium_browser() as browser:
        taken = list(shots(browser, url, who))
        total = keep(browser, taken)
    say(f"{len(taken)} pictures, {total / 1e6:.2f} MB, in {OUT.relative_to(ROOT)}/")


def main() -> None:
    """Take pictures from a product that is started for it, or from the one that is named."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--url", help="of a product that runs")
    given = parser.parse_args()
    if given.url:
        take(given.url)
        return
    with running() as url:
        take(url)


if __name__ == "__main__":
    main()
