"""Pure rules about addresses and browsers."""

import re
from contextlib import suppress
from typing import Final

_SAME_DOMAIN: Final = {"googlemail.com": "gmail.com"}
_DOTS_IGNORED: Final = frozenset({"gmail.com"})
_DASH_TAGS: Final = frozenset({"yahoo.com", "ymail.com", "rocketmail.com"})
_BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chromium", "Chromium"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def domain_of(address: str) -> str:
    """Return an address's domain as the network knows it: lower case, punycode."""
    domain = address.rpartition("@")[2].strip().rstrip(".").lower()
    with suppress(UnicodeError):
        domain = domain.encode("idna").decode()
    return _SAME_DOMAIN.get(domain, domain)


def normal_mailbox(address: str) -> str:
    """Return the one spelling of a mailbox that many spellings of its address lead to.

    Case, plus tags, dots where the provider ignores them, second names of a provider and
    international domains are taken out.
    """
    name = address.rpartition("@")[0].strip().lower()
    domain = domain_of(address)
    name = name.partition("+")[0] or name
    if domain in _DOTS_IGNORED:
        name = name.replace(".", "")
    if domain in _DASH_TAGS:
        name = name.partition("-")[0] or name
    return f"{name}@{domain}"


def browser_label(user_agent: str) -> str:
    """Return browser and system in words, as “Firefox on Linux”; versions are left out."""
    browser = next((name for sign, name in _BROWSERS if _has(user_agent, sign)), "")
    system = next((name for sign, name in _SYSTEMS if sign in user_agent), "")
    if not browser and not system:
        return "Unknown browser"
    return f"{browser or 'Unknown browser'} on {system or 'an unknown system'}"


def _has(user_agent: str, sign: str) -> bool:
    return re.search(rf"\b{sign}[a-zA-Z]*/", user_agent) is not None
