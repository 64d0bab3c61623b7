"""Who may connect, and how often: counted per address, refused in one line of the log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

#: Troubled peers remembered, so that each is told once; a scan of the whole network costs no memory.
REMEMBERED = 1000


class Peers:
    """The connections of one intake. An address that is no IP (a local socket) is allowed."""

    def __init__(
        self, allow: Sequence[IPv4Network | IPv6Network], *, per_peer: int, in_all: int
    ) -> None:
        self._allow = tuple(allow)
        self._per_peer = per_peer
        self._in_all = in_all
        self._open: Counter[str] = Counter()
        self._told: dict[str, str] = {}

    def objection(self, host: str) -> str:
        """Why `host` may not open another connection now; "" when it may."""
        if not self._allowed(host):
            return "not in the list of allowed senders"
        if self._open[host] >= self._per_peer:
            return f"{self._per_peer} connections already"
        if self._open.total() >= self._in_all:
            return f"{self._in_all} connections in all already"
        return ""

    def enter(self, host: str) -> None:
        self._open[host] += 1

    def leave(self, host: str) -> None:
        self._open[host] -= 1
        if not self._open[host]:
            del self._open[host]

    def trouble(self, host: str, what: str) -> bool:
        """Note that `host` is in trouble; True when that is news."""
        if self._told.get(host) == what:
            return False
        if len(self._told) >= REMEMBERED:
            self._told.clear()
        self._told[host] = what
        return True

    def well(self, host: str) -> bool:
        """Note that `host` sent a whole message; True when that is news."""
        return bool(self._told) and self._told.pop(host, None) is not None

    def _allowed(self, host: str) -> bool:
        if not self._allow:
            return True
        try:
            ip_address(host)
        except ValueError:
            return True
        return within(host, self._allow)


def within(host: str, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    """Whether the address `host` is in one of them. False for what is no address."""
    try:
        address = ip_address(host)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in networks)
