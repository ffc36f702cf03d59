"""Whose address is believed."""

from typing import Any

import pytest
from django.test import RequestFactory

from cryptosystems.platform.addresses import client_address, network_of

PEER = "10.0.0.9"
CLIENT = "203.0.113.7"
FORGED = ["1.1.1.1", "2.2.2.2", "::1", "evil", "3.3.3.3"]


def told(forwarded: str | None, peer: str = PEER) -> str:
    more = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    return client_address(RequestFactory().get("/", REMOTE_ADDR=peer, **more))


@pytest.mark.parametrize("forged", range(6))
def test_without_proxies_the_header_changes_nothing(settings: Any, forged: int) -> None:
    settings.TRUSTED_PROXIES = 0
    assert told(", ".join(FORGED[:forged])) == PEER


@pytest.mark.parametrize("proxies", [1, 2, 3])
@pytest.mark.parametrize("forged", range(6))
def test_forged_hops_stand_to_the_left_and_are_not_read(
    settings: Any, proxies: int, forged: int
) -> None:
    settings.TRUSTED_PROXIES = proxies
    own = [CLIENT, "10.0.0.1", "10.0.0.2"][:proxies]
    assert told(", ".join(FORGED[:forged] + own)) == CLIENT


def test_fewer_hops_than_proxies_leave_the_peer(settings: Any) -> None:
    settings.TRUSTED_PROXIES = 2
    assert told(CLIENT) == PEER
    assert told(None) == PEER


@pytest.mark.parametrize(
    ("hop", "address"),
    [
        ("203.0.113.7:4711", CLIENT),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("::ffff:203.0.113.7", CLIENT),
        ("fe80::1%eth0", "fe80::1"),
        ("unknown", PEER),
        ("", PEER),
        ("203.0.113.7\r\nX: y", PEER),
    ],
)
def test_every_spelling_becomes_one_address(settings: Any, hop: str, address: str) -> None:
    settings.TRUSTED_PROXIES = 1
    assert told(hop) == address


def test_a_peer_without_an_address_is_unknown(settings: Any) -> None:
    settings.TRUSTED_PROXIES = 0
    assert told(None, peer="") == "0.0.0.0"


def test_neighbours_share_a_network() -> None:
    assert network_of("203.0.113.7") == network_of("203.0.113.200") == "203.0.113.0/24"
    assert network_of("2001:db8::1") == "2001:db8::/64"
