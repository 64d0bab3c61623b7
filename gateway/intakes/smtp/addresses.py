"""Addresses in commands, and whom they mean here: exactly a ward or a device, or nobody."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.directory import Directory, folded
from gateway.mail.origin import PLAIN

_PATH = re.compile(r"\s*<([^<>\s]*)>(?:\s+(\S.*))?\s*")
_LOCAL = re.compile(r"[a-z0-9._-]{1,64}")

NOBODY = "<>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """An address of ours."""

    address: str
    ward: str  # its code


def path(text: str) -> tuple[str | None, str]:
    """The address in `<address> parameters`, NOBODY for `<>`, None for any odd form; the parameters.

    Routes (`<@relay:user@host>`), quotes, comments, literals and addresses beyond ASCII are odd here.
    """
    found = _PATH.fullmatch(text)
    if found is None:
        return None, ""
    address, parameters = found[1], found[2] or ""
    if not address:
        return NOBODY, parameters
    if ".." in address or not PLAIN.fullmatch(address):
        return None, ""
    return address, parameters


class Book:
    """The addresses of ours: code, alias or device of a ward, at one of our domains."""

    def __init__(self, directory: Directory, domains: Iterable[str]) -> None:
        self._domains = {domain.lower() for domain in domains}
        self._wards = dict(_names(directory))

    def ours(self, address: str) -> bool:
        """Whether the domain is ours: a stranger's address is refused in other words."""
        return address.rpartition("@")[2].lower() in self._domains

    def find(self, address: str) -> Recipient | None:
        local = address.rpartition("@")[0].lower()
        ward = self._wards.get(local) if self.ours(address) else None
        return None if ward is None else Recipient(address=address.lower(), ward=ward)


def _names(directory: Directory) -> Mapping[str, str]:
    names: dict[str, str] = {}
    for ward in directory.wards.values():
        for word in (ward.code, *ward.aliases):
            names.setdefault(folded(word), ward.code)
    for ward in directory.wards.values():
        for device in ward.devices:
            names.setdefault(device.lower(), ward.code)
    return {name: code for name, code in names.items() if _LOCAL.fullmatch(name)}
