"""The record of one message as FHIR R4: a Bundle with a Communication for each receipt and acknowledgement.

A Communication says who was told what, when, by which medium, and how that ended (HL7 FHIR R4, 4.0.1,
resource Communication). Nothing in it is a result: a record must never be taken for a newer version of one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from gateway.delivery import Attempt, Delivery, Outcome
from gateway.directory import PLATFORM
from gateway.message import Message, Priority
from gateway.store import Acknowledgement, Fate, Stored

_TERMS = "http://terminology.hl7.org/CodeSystem/"
#: Communication.status (value set event-status). `unknown`: paper may have come out, nobody can know.
_STATUS = {
    Outcome.DELIVERED: "completed",
    Outcome.TEMPORARY: "not-done",
    Outcome.PERMANENT: "not-done",
    Outcome.UNCERTAIN: "unknown",
}
#: v3-ParticipationMode; what is not here is paper.
_MEDIUM = {
    "platform": "ELECTRONIC",
    "confirm": "ELECTRONIC",
    "fax": "FAXWRIT",
    "call": "PHONE",
    "phone": "PHONE",
    "desk": "VERBAL",
}
_PAPER = "TYPEWRIT"
_PRIORITY = {Priority.CRITICAL: "stat", Priority.URGENT: "urgent", Priority.ROUTINE: "routine"}

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """All that is known of what became of one message."""

    stored: Stored
    fates: Sequence[Fate]
    acknowledgements: Sequence[Acknowledgement]


def bundle(told: Told, message: Message | None, *, control_id: str, site: str, now: float) -> bytes:
    """JSON in UTF-8. `message` is None when it cannot be read any more: then nobody is named."""
    writer = _Writer(told, message, control_id=control_id, site=site)
    entries = [
        {
            "fullUrl": f"urn:uuid:{uuid5(NAMESPACE_URL, each['identifier'][0]['value'])}",
            "resource": each,
        }
        for each in writer.communications()
    ]
    made = {
        "resourceType": "Bundle",
        "identifier": {"system": f"urn:wardline:{site}", "value": control_id},
        "type": "collection",
        "timestamp": _instant(now),
        "entry": entries,
    }
    return json.dumps(_whole(made), ensure_ascii=False).encode()


class _Writer:
    """Writes the Communications of one message."""

    def __init__(self, told: Told, message: Message | None, *, control_id: str, site: str) -> None:
        self._told = told
        self._message = message
        self._control_id = control_id
        self._system = f"urn:wardline:{site}"
        self._site = site

    def communications(self) -> Iterator[Json]:
        number = 0
        for fate in self._told.fates:
            for attempt in fate.attempts:
                number += 1
                yield self._try(fate.delivery, attempt, number)
        for said in self._told.acknowledgements:
            number += 1
            yield self._acknowledgement(said, number)

    def _try(self, delivery: Delivery, attempt: Attempt, number: int) -> Json:
        outcome = attempt.outcome or Outcome.UNCERTAIN
        done = outcome is Outcome.DELIVERED
        summary = delivery.message_id != self._told.stored.id
        slip = f"n° {attempt.slip:04d}" if attempt.slip else ""
        to_platform = delivery.to == PLATFORM
        return self._common(number) | {
            "status": _STATUS[outcome],
            "statusReason": {} if done else {"text": attempt.detail},
            "medium": [_medium(attempt.channel)],
            "recipient": [self._place(delivery.to, "HealthcareService" if to_platform else "Organization")],
            "sent": _instant(attempt.at),
            "received": _instant(attempt.ended_at) if done and attempt.ended_at else "",
            "payload": [{"contentString": attempt.detail}] if done else [],
            "note": [
                {"text": text}
                for text in (
                    "summary slip" if summary else "",
                    " ".join(filter(None, ("slip", slip, "on", attempt.device))) if slip else "",
                )
            ],
        }  # fmt: skip

    def _acknowledgement(self, said: Acknowledgement, number: int) -> Json:
        """ISO 15189:2022, 7.4.1.3: who was told, when, how, what was read back, with what trouble."""
        keyed = f" ({', '.join(said.keyed)})" if said.keyed else ""
        person = {
            "type": "Practitioner",
            "identifier": {"system": f"{self._system}:person", "value": said.person},
            "display": said.name,
        }
        if not said.person:
            del person["identifier"]
        return self._common(number) | {
            "status": "completed" if said.accepted else "not-done",
            "statusReason": {} if said.accepted else {"text": said.difficulties or "not accepted"},
            "medium": [_medium(said.via)],
            "recipient": [person],
            "sent": _instant(said.at),
            "received": _instant(said.at) if said.accepted else "",
            "payload": [{"contentString": said.conveyed}],
            "note": [
                {"text": f"read back: {said.read_back}{keyed}" if said.read_back else ""},
                {"text": f"difficulties: {said.difficulties}" if said.difficulties else ""},
            ],
        }

    def _common(self, number: int) -> Json:
        stored = self._told.stored
        critical = stored.priority is Priority.CRITICAL
        return {
            "resourceType": "Communication",
            "identifier": [{"system": self._system, "value": f"{self._control_id}.{number}"}],
            "basedOn": [
                {
                    "identifier": {
                        "system": f"{self._system}:message",
                        "value": stored.control_id,
                        "assigner": {"display": stored.sender.replace("|", "/")},
                    }
                }
            ],
            "category": [_coded("communication-category", "alert" if critical else "notification")],
            "priority": _PRIORITY[stored.priority],
            "sender": {"type": "Device", "display": f"Wardline {self._site}"},
            **self._about(),
        }

    def _about(self) -> Json:
        """Whom and what the message was about: by number, as it came."""
        message = self._message
        patient = message.patient if message is not None else None
        if message is None or patient is None:
            return {}
        name = " ".join(filter(None, (patient.family, patient.given)))
        return {
            "subject": {
                "type": "Patient",
                "identifier": {"value": patient.ipp},
                "display": name,
            },
            "encounter": {"type": "Encounter", "identifier": {"value": patient.nda}}
            if patient.nda
            else {},
            "about": [
                {
                    "type": "ServiceRequest",
                    "identifier": {"value": group.order_key},
                    "display": group.name or group.code,
                }
                for group in message.groups
                if group.order_key
            ],
        }

    def _place(self, code: str, kind: str) -> Json:
        return {
            "type": kind,
            "identifier": {"system": f"{self._system}:place", "value": code},
            "display": code,
        }


def _medium(channel: str) -> Json:
    return {**_coded("v3-ParticipationMode", _MEDIUM.get(channel, _PAPER)), "text": channel}


def _coded(system: str, code: str) -> Json:
    return {"coding": [{"system": f"{_TERMS}{system}", "code": code}]}


def _instant(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")


def _whole(value: Any) -> Any:
    """Without what is empty, which FHIR forbids, and without what no text may hold (R4, 2.24.0.1)."""
    if isinstance(value, Mapping):
        kept = {key: _whole(each) for key, each in value.items()}
        return {key: each for key, each in kept.items() if each not in ("", {}, [])}
    if isinstance(value, list):
        kept_ones = (_whole(each) for each in value)
        return [each for each in kept_ones if each not in ("", {}, [])]
    if isinstance(value, str):
        return "".join(c if c.isprintable() else " " for c in value).strip()
    return value
