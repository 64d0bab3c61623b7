"""Which number a fax device dials, and what in a site's file would send a fax astray."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Protocol

KIND = "fax"


class Device(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...


class Ward(Protocol):
    @property
    def code(self) -> str: ...
    @property
    def devices(self) -> Sequence[str]: ...
    @property
    def fax(self) -> str: ...


class Line(Protocol):
    @property
    def number(self) -> str: ...
    @property
    def ward(self) -> str: ...


def number(device: Device, wards: Iterable[Ward]) -> str:
    """Its own, else its ward's; "" when nobody gave one."""
    own: str | None = getattr(device, "number", None)
    return own or next((w.fax for w in wards if device.name in w.devices), "")


def numbers(devices: Iterable[Device], wards: Sequence[Ward]) -> tuple[str, ...]:
    """Every number that a fax may be sent to."""
    found = (number(d, wards) for d in devices if d.kind == KIND)
    return tuple(dict.fromkeys(n for n in found if n))


def faults(
    devices: Iterable[Device],
    wards: Sequence[Ward],
    *,
    lines: Collection[Line] | None,
    ours: Collection[str] = (),
) -> Iterator[str]:
    """`lines`: the numbers whose faxes come in, None without a telephone; `ours`: others that we answer."""
    for ward in wards:
        if ward.fax and not re.fullmatch(r"[0-9]{2,15}", ward.fax):
            yield f'wards["{ward.code}"].fax: a fax number is 2 to 15 digits, as the exchange wants them'
    codes = {ward.code for ward in wards}
    for line in lines or ():
        if line.ward not in codes:
            yield f'telephony.faxes["{line.number}"].ward: there is no ward "{line.ward}"'
    answered = {line.number for line in lines or ()} | set(ours)
    for device in devices:
        if device.kind != KIND:
            continue
        place, dialled = f'devices["{device.name}"]', number(device, wards)
        if lines is None:
            yield f"{place}: without a [telephony] nothing can be faxed"
        if not dialled:
            yield f"{place}.number: none, and no ward whose device it is has a `fax`"
        if dialled in answered:
            yield f"{place}.number: {dialled} is answered by Wardline itself"
