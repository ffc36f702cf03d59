"""All accounts and keys of the simulated exchange, and their memory on disk.

Below the data directory each account is one JSON file, replaced whole; ids and keys are another.
"""

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from trading.domain.venue import TradingRules
from trading.matching.records import Fees, Ids
from trading.simulator.private.account import START_WALLET, ExchangeAccount
from trading.simulator.private.keys import ApiKey, altered, new_key

_FIRST_UID: Final = 100_000_001
_INDEX: Final = "index.json"


class AccountBook:
    """Accounts by uid, keys by their public part."""

    def __init__(self, rules: dict[str, TradingRules], directory: Path | None) -> None:
        self._rules = rules
        self._directory = directory
        self.ids = Ids()
        self.accounts: dict[str, ExchangeAccount] = {}
        self.keys: dict[str, ApiKey] = {}
        self.settled_ms = 0
        """The last moment funding was looked at."""
        self._is_dirty = False
        if directory is not None:
            self._restore(directory)

    def open(self, *, wallet: Decimal = START_WALLET, label: str = "") -> ExchangeAccount:
        """Open an account with a wallet, USDT."""
        uid = str(_FIRST_UID + len(self.accounts))
        account = ExchangeAccount(self._rules, wallet=wallet, fees=Fees(), ids=self.ids, uid=uid)
        account.label = label
        self.accounts[uid] = account
        self._is_dirty = True
        return account

    def account(self, uid: str) -> ExchangeAccount:
        """Return an account.

        Raises
        ------
        ValueError
            If there is none.
        """
        if uid not in self.accounts:
            raise ValueError(f"there is no account {uid}")
        return self.accounts[uid]

    def key(self, api_key: str) -> ApiKey:
        """Return a key; ValueError if there is none."""
        if api_key not in self.keys:
            raise ValueError("there is no such key")
        return self.keys[api_key]

    def add_key(self, uid: str, order: dict[str, Any], now_ms: int) -> ApiKey:
        """Make a key as a control order asks: kind, public key, label, rights, addresses, expiry."""
        self.account(uid)
        kind = str(order.get("kind", "hmac"))
        key = new_key(uid, kind, now_ms, public_key=str(order.get("public_key", "")))
        key = altered(key, order)
        self.keys[key.api_key] = key
        self._is_dirty = True
        return key

    def alter_key(self, api_key: str, order: dict[str, Any]) -> ApiKey:
        """Change what a key may do."""
        self.keys[api_key] = key = altered(self.key(api_key), order)
        self._is_dirty = True
        return key

    def drop_key(self, api_key: str) -> ApiKey:
        """Delete a key; it is refused from now on."""
        key = self.key(api_key)
        del self.keys[api_key]
        self._is_dirty = True
        return key

    def keys_of(self, uid: str) -> list[ApiKey]:
        return [key for key in self.keys.values() if key.uid == uid]

    # --- keeping ------------------------------------------------------------------------------

    def keep(self) -> None:
        """Write what has changed since the last time."""
        if self._directory is None:
            return
        changed = [a for a in self.accounts.values() if a.is_dirty]
        if not changed and not self._is_dirty:
            return
        self._directory.mkdir(parents=True, exist_ok=True)
        # The index first: its ids are then above all that any account's file can hold.
        ids = self.ids
        index = {
            "ids": [ids.order, ids.algo, ids.trade, ids.flow],
            "settled_ms": self.settled_ms,
            "accounts": list(self.accounts),
            "keys": [key.to_dict() for key in self.keys.values()],
        }
        _replace(self._directory / _INDEX, index)
        self._is_dirty = False
        for account in changed:
            _replace(self._directory / f"{account.uid}.json", account.to_dict())
            account.is_dirty = False

    def _restore(self, directory: Path) -> None:
        path = directory / _INDEX
        if not path.exists():
            return
        index = json.loads(path.read_text())
        self.ids = Ids(*index["ids"])
        self.settled_ms = index["settled_ms"]
        for uid in index["accounts"]:
            file = directory / f"{uid}.json"
            if not file.exists():
                continue  # the power went between the index and its first keeping
            held = json.loads(file.read_text())
            self.accounts[uid] = ExchangeAccount.from_dict(held, self._rules, self.ids)
        for row in index["keys"]:
            self.keys[row["api_key"]] = ApiKey.from_dict(row)


def _replace(path: Path, content: dict[str, Any]) -> None:
    draft = path.with_suffix(f".{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(content))
    draft.replace(path)
