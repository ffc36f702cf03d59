"""Everything the stand-in knows: objects in Stripe's shape, events, keys, and its clocks.

Objects are kept as Stripe shows them. Names that begin with `_` are our own and never leave;
`standin:/path` stands for an address of ours, whose port may change between starts.
"""

import secrets
import string
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any, Final

from billing.standin.errors import StripeFault, missing
from billing.standin.months import DAY_S

Obj = dict[str, Any]
API_VERSION: Final = "2026-10-28.endive"
OWN_ADDRESS: Final = "standin:"
_LETTERS: Final = string.ascii_letters + string.digits
_KEPT_S: Final = 30 * DAY_S
"""Stripe lists events for thirty days."""
_WORDS: Final = {
    "checkout.session": "checkout session",
    "test_helpers.test_clock": "test clock",
    "billing_portal.session": "portal session",
}
_ONLY_ON_REQUEST: Final = {
    "invoice": ("payments",),
    "charge": ("refunds",),
    "customer": ("subscriptions",),
    "checkout.session": ("line_items",),
}
_DEEPEST: Final = 4


def new_id(prefix: str, length: int = 24) -> str:
    """Return an id that nobody can guess."""
    return prefix + "_" + "".join(secrets.choice(_LETTERS) for _ in range(length))


def list_object(data: list[Obj], url: str, has_more: bool = False) -> Obj:
    """Return a list in Stripe's shape."""
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


class State:
    """The objects and the clocks."""

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self.wall = wall
        self.base_url = ""
        self.objects: dict[str, Obj] = {}
        self.deliveries: list[Obj] = []
        """Events that the product has not taken yet."""
        self.keys: dict[str, Obj] = {}
        self.offset_s = 0
        self.form_key = secrets.token_hex(32)
        self.request: Obj = {"id": None, "idempotency_key": None}
        self.is_dirty = False
        self._moment: tuple[str, int] | None = None

    # --- keeping --------------------------------------------------------------------------------

    def dump(self) -> Obj:
        """Return what has to survive a restart."""
        return {
            "format": 1,
            "objects": self.objects,
            "deliveries": self.deliveries,
            "keys": self.keys,
            "offset_s": self.offset_s,
            "form_key": self.form_key,
        }

    def load(self, kept: Obj) -> None:
        """Take what an earlier start left."""
        if kept["format"] != 1:
            raise ValueError("the file is of another version")
        objects, deliveries, keys = kept["objects"], kept["deliveries"], kept["keys"]
        if not (isinstance(objects, dict) and isinstance(deliveries, list)):
            raise ValueError("the file does not hold a stand-in's state")
        self.objects, self.deliveries, self.keys = objects, deliveries, dict(keys)
        self.offset_s, self.form_key = int(kept["offset_s"]), str(kept["form_key"])

    # --- clocks ---------------------------------------------------------------------------------

    def now(self, scope: str = "") -> int:
        """Return the time of a test clock, of a customer whose time was moved, or of the rest."""
        if self._moment is not None and self._moment[0] == scope:
            return self._moment[1]
        if not scope:
            return int(self.wall()) + self.offset_s
        keeper = self.objects[scope]
        if keeper["object"] == "customer":
            return int(self.wall()) + self.offset_s + int(keeper["_offset_s"])
        return int(keeper["frozen_time"])

    def running_scopes(self) -> list[str]:
        """Return every scope whose time passes by itself."""
        moved = [obj["id"] for obj in self.objects.values() if "_offset_s" in obj]
        return ["", *moved]

    @contextmanager
    def at(self, scope: str, moment: int) -> Iterator[None]:
        """Let it be `moment` in this scope, while something that was due then happens."""
        self._moment = (scope, moment)
        try:
            yield
        finally:
            self._moment = None

    def scope_of(self, obj: Obj) -> str:
        """Return what keeps an object's time: a test clock, its customer, or nothing special."""
        name = (
            obj["id"]
            if obj["object"] == "customer"
            else (obj.get("customer") or obj.get("_customer"))
        )
        owner = self.objects.get(name or "", {})
        own = name if "_offset_s" in owner else ""
        return str(owner.get("test_clock") or own)

    def now_of(self, obj: Obj) -> int:
        """Return what time it is for an object."""
        return self.now(self.scope_of(obj))

    # --- objects --------------------------------------------------------------------------------

    def add(self, obj: Obj) -> Obj:
        """Keep a new object."""
        self.objects[obj["id"]] = obj
        self.is_dirty = True
        return obj

    def get(self, kind: str, name: str) -> Obj:
        """Return an object of a kind.

        Raises
        ------
        StripeFault
            If there is none.
        """
        found = self.objects.get(name) if isinstance(name, str) else None
        if found is None or found["object"] != kind:
            raise missing(_WORDS.get(kind, kind), name)
        return found

    def all(self, kind: str, **wanted: Any) -> list[Obj]:
        """Return the objects of a kind that have these values, the newest first."""
        found = [
            obj
            for obj in self.objects.values()
            if obj["object"] == kind
            and not obj.get("deleted")
            and all(obj.get(name) == value for name, value in wanted.items())
        ]
        found.reverse()
        return sorted(found, key=lambda obj: -int(obj.get("created", 0)))

    @contextmanager
    def changing(self, obj: Obj, event: str = "") -> Iterator[Obj]:
        """Change an object; tell of it, with what was before, if anything differs."""
        before = deepcopy(obj)
        yield obj
        self.is_dirty = True
        names = [name for name in obj if not name.startswith("_")]
        previous = {name: before.get(name) for name in names if before.get(name) != obj[name]}
        if event and previous:
            self.emit(event, obj, previous)

    def emit(self, kind: str, obj: Obj, previous: Obj | None = None) -> Obj:
        """Write an event down and queue it for the product."""
        data: Obj = {"object": self.render(obj)}
        if previous is not None:
            data["previous_attributes"] = self._shown(previous)
        event = self.add(
            {
                "id": new_id("evt"),
                "object": "event",
                "api_version": API_VERSION,
                "created": self.now_of(obj),
                "data": data,
                "livemode": False,
                "pending_webhooks": 1,
                "request": dict(self.request),
                "type": kind,
            }
        )
        now = self.wall()
        self.deliveries.append({"event": event["id"], "attempts": 0, "due": now, "since": now})
        return event

    def forget_old(self) -> None:
        """Let go of events after thirty days, and of idempotency keys after one."""
        waiting = {delivery["event"] for delivery in self.deliveries}
        now = self.now()
        for event in [obj for obj in self.objects.values() if obj["object"] == "event"]:
            if event["created"] < now - _KEPT_S and event["id"] not in waiting:
                del self.objects[event["id"]]
        for key in [key for key, kept in self.keys.items() if kept["at"] <= now - DAY_S]:
            del self.keys[key]

    # --- showing --------------------------------------------------------------------------------

    def render(self, obj: Obj, expand: tuple[str, ...] = ()) -> Obj:
        """Return an object as Stripe shows it, with what was asked for in place of its ids.

        Raises
        ------
        StripeFault
            If something cannot be expanded.
        """
        tree: Obj = {}
        for path in expand:
            parts = path.split(".")
            if len(parts) > _DEEPEST:
                raise StripeFault(
                    f"You cannot expand more than {_DEEPEST} levels of a property. Property: {path}",
                    code="property_expansion_max_depth",
                )
            place = tree
            for part in parts:
                place = place.setdefault(part, {})
        shown: Obj = self._expanded(obj, tree, "")
        return shown

    def _expanded(self, value: Any, tree: Obj, path: str) -> Any:
        if isinstance(value, str) and value in self.objects:
            value = self.objects[value]
        if isinstance(value, list):
            return [self._expanded(part, tree, path) for part in value]
        if not isinstance(value, dict):
            return self._shown(value)
        hidden = _ONLY_ON_REQUEST.get(str(value.get("object")), ())
        shown = {
            name: self._shown(part)
            for name, part in value.items()
            if not name.startswith("_") and name not in hidden
        }
        for name, inner in tree.items():
            if name not in value and name not in hidden:
                raise StripeFault(
                    f"This property cannot be expanded ({path}{name}).",
                    code="property_expansion_invalid",
                )
            part = self._listed(value, name) if name in hidden else value[name]
            shown[name] = self._expanded(part, inner, f"{path}{name}.")
        return shown

    def _listed(self, obj: Obj, name: str) -> Any:
        """Return a part that is left out unless somebody asks for it."""
        if name == "subscriptions":
            live = [
                each
                for each in self.all("subscription", customer=obj["id"])
                if each["status"] not in ("canceled", "incomplete_expired")
            ]
            return list_object(live, f"/v1/customers/{obj['id']}/subscriptions")
        if name == "refunds":
            url = f"/v1/charges/{obj['id']}/refunds"
            return list_object(self.all("refund", charge=obj["id"]), url)
        return obj[name]

    def _shown(self, value: Any) -> Any:
        if isinstance(value, str):
            own = value.startswith(OWN_ADDRESS)
            return self.base_url + value.removeprefix(OWN_ADDRESS) if own else value
        if isinstance(value, list):
            return [self._shown(part) for part in value]
        if isinstance(value, dict):
            return self._expanded(value, {}, "")
        return value
