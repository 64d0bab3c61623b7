"""What a slip says beside its message: where, when, in what circumstances, under which number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from gateway.locale import Translate
from gateway.message import Group, Message, Observation
from gateway.render.bounds import LINES


class Outlet(StrEnum):
    """Where this paper comes out."""

    WARD = "ward"  # where it should: in the ward it is for
    NEIGHBOUR = "neighbour"  # in another ward, which has to carry it
    COURIER = "courier"  # at the lab: somebody walks
    LAB = "lab"  # at the lab, because the message names no ward of ours


class Known(StrEnum):
    """What is known of an earlier number of the ward's series that has no proof of paper there."""

    ELSEWHERE = "elsewhere"  # confirmed at another place
    UNCONFIRMED = "unconfirmed"  # nobody can know whether paper came out
    PENDING = "pending"  # has a number, still waits
    SUPERSEDED = "superseded"  # a newer slip or a summary stands for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """One earlier number of the ward's series that its nurses may look for in vain."""

    number: int
    known: Known
    place: str = ""  # for ELSEWHERE: the name of the ward or lab where it came out


class Past(Protocol):
    """Earlier values for the columns of a page (`gateway.render.history`)."""

    def titles(self, _: Translate, zone: str, *, today: float) -> tuple[str, ...]: ...

    def of(self, group: Group, observation: Observation) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Everything about one piece of paper that its message does not say. Moments are seconds (UTC)."""

    site_code: str
    site_name: str
    ward_code: str  # the ward the slip is for, wherever it comes out
    ward_name: str
    received_at: float
    printed_at: float
    language: str = "fr"
    timezone: str = "Europe/Paris"
    outlet: Outlet = Outlet.WARD
    outlet_name: str = ""  # the ward or lab where the paper comes out, unless it is the ward's own
    reason: str = ""  # why it is not where it should be: IPP words, a `Delivery.reason`
    number: int | None = None  # in the gapless series of `ward_code`
    prints: int = 1  # 2: the second paper under this number
    copy: bool = False  # somebody asked for it once more
    doubtful: bool = False  # an earlier try under this number may have put paper out
    degraded: bool = False  # the platform did not take it
    outage_since: float | None = None
    outage_reason: str = ""
    drill: bool = False
    code: str = ""  # what a person gives back to say "I have it"
    code_caption: str = ""  # the same in groups, for reading aloud
    acknowledge: str = ""  # the site's own words on how to acknowledge; "" for the default ones
    phone: str = ""  # the lab's telephone
    line: str = ""  # the number that answers by itself, day and night; "" without one
    gaps: tuple[Gap, ...] = ()
    reused: bool = False  # an earlier message had this sender and control id, but other content
    unauthenticated: bool = False  # nothing proves that it comes from whom it says
    floor: str = ""  # where a courier goes
    contact: str = ""  # to whom a courier hands it
    room: int = LINES  # lines its body may take; a page holds more than a slip
    history: Past | None = None  # earlier values, where there are columns for them
    held: str = ""  # why the message waits for a person; "" when it does not
    screen: bool = False  # nobody prints this: somebody looks at it


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """An earlier message and the paper it made. `slip` None: it came out on no slip."""

    message: Message
    slip: int | None
    ward: str  # the name of the ward whose number that was
    at: float  # when it was printed; when it was received, if it was not


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """What is known of the value (or order) that a newer message replaces."""

    observation: Observation | None  # None for an order
    slip: int | None
    ward: str
    at: float
    several: bool = False  # one message gave this key more than one value: nobody can say which


Corrections = Mapping[tuple[str, str, str], Earlier]
"""By (Group.order_key, Observation.code, Observation.sub_id); an order by (Group.order_key, "", "")."""
