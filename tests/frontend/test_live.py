"""The module that owns the socket: back-off with jitter, resuming by number, one message a turn."""

from typing import Any

import pytest

from tests.frontend.conftest import Site

pytestmark = pytest.mark.browser

SOCKET = """
window.Fake = class {
  static all = [];
  constructor(url) { this.url = url; this.readyState = 0; this.sent = []; Fake.all.push(this); }
  send(text) { this.sent.push(JSON.parse(text)); }
  close() { this.readyState = 3; }
  opens() { this.readyState = 1; this.onopen(); }
  drops() { this.readyState = 3; this.onclose(); }
  says(topic, seq, data) { this.onmessage({ data: JSON.stringify({ topic, seq, at: "", data }) }); }
};
"""


@pytest.fixture
def live(page: Any, site: Site) -> Any:
    """A page with a `live` on a socket that the test opens, drops and speaks through."""
    page.add_init_script(SOCKET)
    page.goto(site.url + "/status")
    page.evaluate(
        """async (url) => {
          const { Live } = await import(url);
          window.heard = [];
          window.states = [];
          window.live = new Live("ws://test", 7, { Socket: Fake, random: () => 1 });
          live.subscribe("signals", (data, frame) => heard.push([frame.seq, data]));
          live.subscribe("tickers", (data) => heard.push(data));
          live.watch((s) => states.push([s.name, s.attempt, Math.round(s.retryAt - performance.now())]));
          live.start();
        }""",
        site.url + "/static/frontend/js/live.js",
    )
    return page


def test_a_page_subscribes_in_one_message_and_says_what_it_has(live: Any) -> None:
    live.evaluate("() => Fake.all[0].opens()")
    assert live.evaluate("() => Fake.all[0].sent") == [
        {"op": "subscribe", "topics": ["signals", "tickers"], "after": {"signals": 7}}
    ]
    stopped = live.evaluate(
        """async () => {
          const stops = ["market:A:1m", "heatmap:A"].map((t) => live.subscribe(t, () => {}));
          await Promise.resolve();
          stops.forEach((stop) => stop());
          await Promise.resolve();
          return Fake.all[0].sent.slice(1);
        }"""
    )
    assert stopped == [
        {"op": "subscribe", "topics": ["market:A:1m", "heatmap:A"]},
        {"op": "unsubscribe", "topics": ["market:A:1m", "heatmap:A"]},
    ]


def test_a_signal_that_is_sent_twice_is_taken_once(live: Any) -> None:
    live.evaluate(
        """() => {
          const s = Fake.all[0];
          s.opens();
          for (const seq of [6, 7, 8, 8, 9, 8]) s.says("signals", seq, "x");
          s.says("tickers", 3, "price");
        }"""
    )
    assert live.evaluate("() => heard") == [[8, "x"], [9, "x"], "price"]


def test_waits_double_and_the_next_connection_resumes_where_the_last_ended(live: Any) -> None:
    live.evaluate("() => { Fake.all[0].opens(); Fake.all[0].says('signals', 12, 'x'); }")
    live.evaluate("() => Fake.all[0].drops()")
    live.wait_for_function("() => Fake.all.length === 2")
    live.evaluate("() => Fake.all[1].drops()")
    live.wait_for_function("() => Fake.all.length === 3")
    waits = [s[1:] for s in live.evaluate("() => states") if s[0] == "waiting"]
    assert [attempt for attempt, _ in waits] == [1, 2]
    assert [round(wait / 500) for _, wait in waits] == [1, 2]  # with the most jitter
    live.evaluate("() => Fake.all[2].opens()")
    sent = live.evaluate("() => Fake.all[2].sent")
    assert sent[0]["after"] == {"signals": 12}
    live.evaluate("() => Fake.all[2].says('tickers', 1, 'price')")
    assert live.evaluate("() => live.state.attempt") == 0  # it speaks again: the count starts anew
