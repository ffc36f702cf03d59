"""API keys of the simulated exchange: what each may do, and how its calls are proved.

Source: USDⓈ-M Futures, general info, "Signed endpoint security"; Binance's API Management page.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

HMAC, ED25519 = "hmac", "ed25519"
KINDS: Final = (HMAC, ED25519)
RIGHTS: Final = {
    "reading": "enableReading",
    "futures": "enableFutures",
    "withdrawals": "enableWithdrawals",
    "internal_transfer": "enableInternalTransfer",
    "universal_transfer": "permitsUniversalTransfer",
    "spot_and_margin": "enableSpotAndMarginTrading",
    "margin_loans": "enableMargin",
    "options": "enableVanillaOptions",
    "portfolio_margin": "enablePortfolioMarginTrading",
}
"""Our names of the rights, and the names `apiRestrictions` has for them."""
USUAL: Final = frozenset({"reading", "futures"})


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key of an account. `secret` is the shared secret, or the public key in PEM."""

    api_key: str
    uid: str
    kind: str
    label: str
    created_ms: int
    secret: str = field(repr=False)
    rights: frozenset[str] = USUAL
    addresses: tuple[str, ...] = ()
    """IP addresses it may be used from; none: any."""
    expires_ms: int | None = None

    def is_valid_at(self, now_ms: int) -> bool:
        return self.expires_ms is None or now_ms < self.expires_ms

    def allows(self, address: str) -> bool:
        return not self.addresses or address in self.addresses

    def proves(self, payload: bytes, signature: str) -> bool:
        """Say whether `signature` is this key's, of exactly this text."""
        if self.kind == HMAC:
            made = hmac.new(self.secret.encode(), payload, hashlib.sha256).hexdigest()
            return hmac.compare_digest(made.encode(), signature.encode())
        try:
            public = load_pem_public_key(self.secret.encode())
            assert isinstance(public, Ed25519PublicKey)
            public.verify(base64.b64decode(signature.replace(" ", "+"), validate=True), payload)
        except (InvalidSignature, binascii.Error, ValueError):
            return False
        return True

    def restrictions(self) -> dict[str, Any]:
        """Return the answer of `apiRestrictions`."""
        told: dict[str, Any] = {
            "ipRestrict": bool(self.addresses),
            "createTime": self.created_ms,
            **{wire: name in self.rights for name, wire in RIGHTS.items()},
            "enableFixApiTrade": False,
            "enableFixReadOnly": False,
        }
        if self.expires_ms is not None:
            told["tradingAuthorityExpirationTime"] = self.expires_ms
        return told

    def to_dict(self) -> dict[str, Any]:
        """Return it as kept on disk and told to tests; with the secret."""
        return {
            "api_key": self.api_key,
            "uid": self.uid,
            "kind": self.kind,
            "label": self.label,
            "created_ms": self.created_ms,
            "secret": self.secret,
            "rights": sorted(self.rights),
            "addresses": list(self.addresses),
            "expires_ms": self.expires_ms,
        }

    @classmethod
    def from_dict(cls, held: dict[str, Any]) -> Self:
        rights, addresses = rights_of(held["rights"]), tuple(held["addresses"])
        return cls(**{**held, "rights": rights, "addresses": addresses})


def rights_of(names: Iterable[str]) -> frozenset[str]:
    """Return rights by our names.

    Raises
    ------
    ValueError
        If there is no right of such a name.
    """
    chosen = frozenset(names)
    unknown = chosen - RIGHTS.keys()
    if unknown:
        raise ValueError(
            f"rights are {', '.join(RIGHTS)}; there is no {', '.join(sorted(unknown))}"
        )
    return chosen


def new_key(uid: str, kind: str, now_ms: int, *, label: str = "", public_key: str = "") -> ApiKey:
    """Return a new key with the usual rights.

    Raises
    ------
    ValueError
        If the kind is unknown, or the public key is not an Ed25519 one in PEM.
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}")
    secret = secrets.token_hex(32)
    if kind == ED25519:
        secret = public_key.strip().replace("\r\n", "\n") + "\n"
        try:
            found = load_pem_public_key(secret.encode())
        except ValueError as error:
            raise ValueError("the public key must be PEM text (BEGIN PUBLIC KEY)") from error
        if not isinstance(found, Ed25519PublicKey):
            raise ValueError("the public key must be an Ed25519 key")
    return ApiKey(secrets.token_hex(32), uid, kind, label, now_ms, secret)


def altered(key: ApiKey, order: dict[str, Any]) -> ApiKey:
    """Return a key with what a control order changes: rights, addresses, expiry, label."""
    if "rights" in order:
        key = replace(key, rights=rights_of(order["rights"]))
    if "addresses" in order:
        key = replace(key, addresses=tuple(str(a) for a in order["addresses"]))
    if "expires_ms" in order:
        at_ms = order["expires_ms"]
        key = replace(key, expires_ms=None if at_ms is None else int(at_ms))
    if "label" in order:
        key = replace(key, label=str(order["label"]))
    return key
