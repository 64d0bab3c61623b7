"""POST /fhir: a resource or a Bundle, taken whole or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from gateway.fhir import FOCI, Part, Refused, name_of, read_all
from gateway.hl7 import Limits
from gateway.intakes.http.answers import FHIR, Answer, Problem, written
from gateway.intakes.http.asked import Asked
from gateway.intakes.http.messages import Messages, where
from gateway.locale import N_
from gateway.router import Mode

MEDIA = (FHIR, "application/json", "application/json+fhir")
FORMAT = "fhir"
_NONE_EXIST = "if-none-exist"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """Takes what is posted; shares the memory of keys with /api/v1/messages."""

    messages: Messages
    limits: Limits

    async def post(self, asked: Asked, kind: str = "") -> Answer:
        """`kind`: the resource type in the address, "" where it names none."""
        if asked.media not in MEDIA:
            raise Problem(415, "unsupported-type", headers={"Accept-Post": FHIR})
        if kind and kind not in FOCI:
            raise Problem(404, "not-found", f"one of {', '.join(FOCI)} is taken here")
        asked.utf8()
        asked.may("fhir")
        self.messages.wards(asked)  # what is asked badly is told so before what it asks again
        condition = asked.headers.get(_NONE_EXIST, "")[:400]
        reused = Problem(422, "key-reused")
        if condition:
            reused = Problem(412, "precondition-failed")
        key = asked.key or (f"{_NONE_EXIST}:{condition}" if condition else "")
        return await self.messages.memory.once(
            (asked.sender.name, key),
            kind.encode(),
            repr(sorted(asked.query.items())).encode(),
            asked.body,
            work=lambda: self._take(asked, kind, key),
            reused=reused,
        )

    async def _take(self, asked: Asked, kind: str, key: str) -> Answer:
        inbox, door = self.messages.inbox, self.messages.door
        wards = self.messages.wards(asked)
        if door.mode is Mode.RELAY and wards is not None and len(wards) > 1:
            # Each ward's plan begins with the platform, which would file it twice.
            raise Problem(
                422, "refused", N_("one ward, where the platform gets it too"), location="ward"
            )
        work = partial(self._read, asked, kind, key)
        try:
            parts = await self.messages.read_beside(work, asked)
        except Refused as refused:
            await inbox.refuse(asked.body, refused, door=door, peer=asked.peer)
            raise Problem.of(refused) from None
        told = []
        for part in parts:
            accepted = await inbox.take(
                part.message, part.raw, format=FORMAT, door=door, peer=asked.peer, wards=wards
            )
            told.append((part, accepted.message_id, accepted.duplicate))
        return _told(told)

    def _read(self, asked: Asked, kind: str, key: str) -> tuple[Part, ...]:
        own = asked.sender.own
        name = name_of(key.encode(), own) if key else ""
        parts = read_all(asked.body, sender=own, control_id=name, limits=self.limits)
        if kind and parts[0].message.type != kind:
            raise Refused(f"this is no {kind}", at="resourceType", issue="invalid", status=400)
        return parts


def _told(told: list[tuple[Part, int, bool]]) -> Answer:
    first = told[0][0]
    if first.bundle not in ("transaction", "batch"):
        _, message_id, duplicate = told[0]
        headers = {"Location": where(message_id), "ETag": f'W/"{message_id}"'}
        body = written(_outcome("on disk already" if duplicate else "on disk"))
        return Answer(status=200 if duplicate else 201, body=body, media=FHIR, headers=headers)
    answered: dict[int, tuple[int, bool]] = {}
    for part, message_id, duplicate in told:
        answered |= dict.fromkeys(part.entries, (message_id, duplicate))
    entries = [{"response": _response(answered.get(n))} for n in range(first.count)]
    said = {"resourceType": "Bundle", "type": f"{first.bundle}-response", "entry": entries}
    return Answer(status=200, body=written(said), media=FHIR)


def _response(found: tuple[int, bool] | None) -> dict[str, Any]:
    if found is None:  # a patient, a place: what it says is kept with the results it goes with
        return {"status": "200 OK"}
    message_id, duplicate = found
    return {"status": "200 OK" if duplicate else "201 Created", "location": where(message_id)}


def _outcome(words: str) -> dict[str, Any]:
    issue = {"severity": "information", "code": "informational", "diagnostics": words}
    return {"resourceType": "OperationOutcome", "issue": [issue]}
