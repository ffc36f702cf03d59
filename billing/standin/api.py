"""Stripe's REST interface over the state: which request does what, and who may ask."""

import hashlib
import hmac
import json
from dataclasses import dataclass, field

from billing.standin import handlers
from billing.standin.errors import StripeFault
from billing.standin.handlers import Desk, Handler
from billing.standin.params import decode
from billing.standin.state import Obj, State, new_id
from billing.standin.subscriptions import Dunning

Answer = tuple[int, Obj]


@dataclass(frozen=True, slots=True)
class Call:
    """One request, without what is HTTP about it."""

    method: str
    path: str
    pairs: list[tuple[str, str]]
    key: str
    """The secret key that came with it."""
    idempotency_key: str = ""
    request_id: str = field(default_factory=lambda: new_id("req", 14))


class Api:
    """Answers requests."""

    def __init__(self, state: State, secret_key: str, dunning: Dunning) -> None:
        self.state = state
        self._desk = Desk(state, dunning)
        self._secret_key = secret_key

    def answer(self, call: Call) -> tuple[int, Obj, bool]:
        """Return status, body, and whether this is the answer to an earlier request again."""
        self.state.request = {
            "id": call.request_id,
            "idempotency_key": call.idempotency_key or None,
        }
        try:
            self._check_key(call.key)
            kept = self._earlier(call)
            if kept is not None:
                return kept["status"], kept["body"], True
            return (*self._work(call), False)
        except StripeFault as fault:
            return fault.status, fault.body(), False
        finally:
            self.state.request = {"id": None, "idempotency_key": None}

    def _check_key(self, key: str) -> None:
        if not key:
            raise StripeFault(
                "You did not provide an API key. You need to provide your API key in the "
                "Authorization header, using Bearer auth.",
                status=401,
            )
        if not hmac.compare_digest(key.encode(), self._secret_key.encode()):
            raise StripeFault("Invalid API Key provided.", status=401)

    def _earlier(self, call: Call) -> Obj | None:
        if call.method != "POST" or not call.idempotency_key:
            return None
        kept = self.state.keys.get(call.idempotency_key)
        if kept is not None and kept["print"] != _fingerprint(call):
            raise StripeFault(
                "Keys for idempotent requests can only be used with the same parameters they were "
                f"first used with. Try using a key other than '{call.idempotency_key}' if you "
                "meant to execute a different request.",
                kind="idempotency_error",
            )
        return kept

    def _work(self, call: Call) -> Answer:
        params = decode(call.pairs)
        asked = params.pop("expand", [])
        if not isinstance(asked, list) or not all(isinstance(path, str) for path in asked):
            raise StripeFault("Invalid array", param="expand")
        handler, parts = self._route(call)
        try:
            found = handler(self._desk, parts, params)
        except StripeFault as fault:
            if fault.status == 402:
                self._keep(call, fault.status, fault.body())
            raise
        body = self.state.render(found, tuple(asked))
        if call.method == "POST":
            self._keep(call, 200, body)
        return 200, body

    def _keep(self, call: Call, status: int, body: Obj) -> None:
        if call.idempotency_key:
            self.state.keys[call.idempotency_key] = {
                "print": _fingerprint(call),
                "status": status,
                "body": body,
                "at": self.state.now(),
            }
            self.state.is_dirty = True

    def _route(self, call: Call) -> tuple[Handler, list[str]]:
        for method, pattern, handler in handlers.ROUTES:
            found = pattern.fullmatch(call.path)
            if found and method == call.method:
                return handler, list(found.groups())
        raise StripeFault(f"Unrecognized request URL ({call.method}: {call.path}).", status=404)


def _fingerprint(call: Call) -> str:
    text = json.dumps([call.method, call.path, sorted(call.pairs)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
