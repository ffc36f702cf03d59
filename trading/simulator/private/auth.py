"""Who calls, and whether the call is theirs: keys, signatures, time stamps.

Source: USDⓈ-M Futures, general info and error codes.
"""

from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, unquote

from trading.simulator.limits import RestError
from trading.simulator.private.keys import ApiKey

_AHEAD_MS: Final = 1_000
_USUAL_WINDOW_MS: Final = 5_000
_WIDEST_WINDOW_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class Call:
    """One private request as it came, and its parameters."""

    method: str
    path: str
    query: str
    body: str
    address: str
    api_key: str
    params: dict[str, str]
    arrived_ms: int
    """When the gateway took it in, by the exchange's own clock: what time stamps are held to."""

    @property
    def subject(self) -> str:
        """What a fault's pattern is matched with: path and parameters, decoded."""
        return unquote(f"{self.path}?{'&'.join(filter(None, (self.query, self.body)))}")


def call_of(
    method: str, path: str, query: str, body: str, address: str, api_key: str, arrived_ms: int
) -> Call:
    """Return a request with the parameters of its query and its body together."""
    pairs = parse_qsl(query, keep_blank_values=True) + parse_qsl(body, keep_blank_values=True)
    return Call(method, path, query, body, address, api_key, dict(pairs), arrived_ms)


def missing(name: str) -> RestError:
    """Return what is said of a parameter that was not sent."""
    return RestError(
        400, -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
    )


def key_of(call: Call, keys: dict[str, ApiKey], now_ms: int, rights: frozenset[str]) -> ApiKey:
    """Return the key of a call that may do this.

    Raises
    ------
    RestError
        -2014 without a key; -2015 where key, address or rights do not allow it.
    """
    if not call.api_key:
        raise RestError(401, -2014, "API-key format invalid.")
    key = keys.get(call.api_key)
    refused = RestError(
        401,
        -2015,
        f"Invalid API-key, IP, or permissions for action, request ip: {call.address}",
    )
    if key is None or not key.is_valid_at(now_ms):
        raise refused
    if not key.allows(call.address) or not rights <= key.rights:
        raise refused
    return key


def check_signature(call: Call, key: ApiKey) -> None:
    """Check time stamp and signature of a call.

    Raises
    ------
    RestError
        -1102, -1131, -1021 or -1022.
    """
    for name in ("timestamp", "signature"):
        if not call.params.get(name):
            raise missing(name)
    window, stamp = call.params.get("recvWindow", str(_USUAL_WINDOW_MS)), call.params["timestamp"]
    if not stamp.isdigit():
        raise missing("timestamp")
    if not window.isdigit() or int(window) > _WIDEST_WINDOW_MS:
        raise RestError(400, -1131, "recvWindow must be less than 60000.")
    payload = _unsigned(call.query) + _unsigned(call.body)
    if not key.proves(payload.encode(), call.params["signature"]):
        raise RestError(400, -1022, "Signature for this request is not valid.")
    now_ms = call.arrived_ms
    if int(stamp) >= now_ms + _AHEAD_MS:
        raise RestError(
            400, -1021, "Timestamp for this request was 1000ms ahead of the server's time."
        )
    if now_ms - int(stamp) > int(window):
        raise RestError(400, -1021, "Timestamp for this request is outside of the recvWindow.")


def _unsigned(text: str) -> str:
    """Return a query or a body exactly as sent, less the signature itself."""
    return "&".join(part for part in text.split("&") if not part.startswith("signature="))
