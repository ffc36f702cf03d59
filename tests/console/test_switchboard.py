"""The switchboard: what is turned acts at once, and a kill switch takes two to clear."""

from typing import Any

import pytest
from django.test import Client

from accounts import api as accounts
from accounts.models import AuditEntry, User
from accounts.services.tokens import find_token
from cryptosystems.console.roles import OPERATOR
from cryptosystems.kernel.errors import NotAllowed
from cryptosystems.platform import switches
from signals.engine.host import Engine
from signals.models import OutboxEntry, RejectedSetup, Signal
from signals.pipeline.outputs import Issued
from signals.services.publish import Halted, apply_change, halted, publish, record_rejected
from tests.console.conftest import staff_member
from tests.support.people import signed_in
from tests.support.setups import filled, make_draft

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_url")]


def _turn(browser: Client, name: str, act: str, reason: str = "prices look wrong") -> str:
    answer = browser.post(f"/admin/switches/{name}/{act}/", {"reason": reason}, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_two_people_clear_a_kill_switch(operator: User) -> None:
    one, other = signed_in(operator), signed_in(staff_member("other", OPERATOR))
    _turn(one, "signals", "throw")
    assert switches.is_on("signals")
    _turn(one, "signals", "ask")
    assert "A second person has to agree" in _turn(one, "signals", "agree")
    assert switches.is_on("signals")
    _turn(other, "signals", "agree")
    assert not switches.is_on("signals")
    actions = AuditEntry.objects.filter(action__startswith="switch_").order_by("sequence")
    assert [line.action for line in actions] == [
        "switch_thrown",
        "switch_clear_asked",
        "switch_cleared",
    ]
    assert actions[0].details == {"switch": "signals", "reason": "prices look wrong"}


def test_without_a_reason_nothing_is_turned(operator: User) -> None:
    assert "Write the reason" in _turn(signed_in(operator), "signals", "throw", " ")
    assert "Write the reason" in _turn(signed_in(operator), "sign_up", "off", "no")
    assert not switches.is_on("signals")
    assert switches.is_on("sign_up")


def test_a_switch_or_act_that_is_not_known_is_not_there(operator: User) -> None:
    browser = signed_in(operator)
    assert browser.post("/admin/switches/no-such/throw/").status_code == 404
    assert browser.post("/admin/switches/signals/smash/").status_code == 404
    assert browser.get("/admin/switches/signals/throw/").status_code == 405


def test_while_it_is_thrown_no_signal_is_issued_and_open_ones_go_on(operator: User) -> None:
    draft = make_draft()
    publish(draft)
    _turn(signed_in(operator), "signals", "throw")
    other = make_draft(symbol="ETHUSDT")
    with pytest.raises(Halted):
        publish(other)
    record_rejected(halted(other))
    assert [row.symbol for row in Signal.objects.all()] == [draft.setup.symbol]
    assert RejectedSetup.objects.get(symbol="ETHUSDT").gate == "halted"
    assert apply_change(filled(draft.id)) is not None, "what is open is followed as before"


def test_closed_sign_up_lets_nobody_in(operator: User) -> None:
    browser = Client()
    assert browser.get("/accounts/signup/").status_code == 200
    _turn(signed_in(operator), "sign_up", "off", "too many robots")
    typed = {"email": "new@example.org", "password1": "a sentence that works well"}
    browser.post("/accounts/signup/", typed)
    assert not User.objects.filter(email="new@example.org").exists()


def test_closed_tokens_leave_the_old_ones_at_work(operator: User) -> None:
    _view, text = accounts.create_token(operator.pk, name="old", scopes=["signals:read"])
    _turn(signed_in(operator), "api_tokens", "off", "a leak is looked into")
    with pytest.raises(NotAllowed, match="No new tokens"):
        accounts.create_token(operator.pk, name="new", scopes=["signals:read"])
    assert find_token(text) is not None


def test_the_engine_keeps_a_halted_signal_for_the_shadow_ledger(
    operator: User, settings: Any
) -> None:
    """The sink's job stores nothing for readers and tells the loop to follow it as turned down."""
    settings.MARKET, settings.MARKET_REST_URL = "simulated", "http://127.0.0.1:1"
    draft, engine = make_draft(), Engine()
    switches.throw("signals", "prices look wrong", operator.pk)
    engine._publish(Issued(draft))
    assert not Signal.objects.exists()
    assert not OutboxEntry.objects.exists()
    assert RejectedSetup.objects.get().gate == "halted"
    ((decision, signal_id),) = engine._withdrawn
    assert (decision.gate, signal_id) == ("halted", draft.id)
    switches.ask_clear("signals", operator.pk)
    switches.agree_clear("signals", staff_member("other", OPERATOR).pk)
    engine._publish(Issued(draft))
    assert Signal.objects.get().id == draft.id, "cleared, it acts at once"
