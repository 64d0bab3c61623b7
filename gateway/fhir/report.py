"""What was examined, ordered or said: DiagnosticReport, ServiceRequest and Communication as groups."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha1

from gateway.fhir.observation import STATUS, Values, notes_of, status_of
from gateway.fhir.person import person_of
from gateway.fhir.room import Resource, Room
from gateway.fhir.values import code_and_name, codes, concept, dtm, moment_of, narrative
from gateway.fhir.view import View
from gateway.hl7.attachment import media_of
from gateway.locale import N_
from gateway.message import Attachment, Group, Observation, Priority, Status

_REPORT = STATUS | {"partial": Status.PRELIMINARY, "appended": Status.FINAL}
_REQUEST = {
    "draft": Status.PENDING,
    "active": Status.PENDING,
    "on-hold": Status.PENDING,
    "revoked": Status.CANCELLED,
    "completed": Status.FINAL,
    "entered-in-error": Status.WITHDRAWN,
    "unknown": Status.UNKNOWN,
}
_SAID = {
    "preparation": Status.PENDING,
    "in-progress": Status.FINAL,
    "not-done": Status.CANCELLED,
    "on-hold": Status.PENDING,
    "stopped": Status.CANCELLED,
    "completed": Status.FINAL,
    "entered-in-error": Status.WITHDRAWN,
    "unknown": Status.UNKNOWN,
}
_CONTROL = {"revoked": "CA", "entered-in-error": "CA", "on-hold": "HD"}  # table 0119
_URGENT = ("urgent", "asap", "stat")
_VOID = (Status.WITHDRAWN, Status.CANCELLED)


class Groups:
    """Makes groups of the resources of one message."""

    def __init__(self, room: Room, values: Values) -> None:
        self._room = room
        self._values = values

    def report(self, resource: Resource) -> Group:
        view, room = resource.view, self._room
        status, code_sent = status_of(view, _REPORT)
        code, name = code_and_name(view.at("code"))
        request = next(self._requests(resource), None)
        asked = self._head(request) if request is not None else Group()
        found: list[Observation] = []
        held: list[Resource] = []
        for reference in view.all("result"):
            inner = room.find(reference, of=resource, kinds=("Observation",))
            if inner is None:
                raise reference.refuse(
                    N_("this result did not come with its report"), issue="not-found"
                )
            held.append(inner)
            found += self._values.read(inner, under=name)
        if status in _VOID:  # a report that is taken back takes its values with it
            found = [replace(o, status=status, status_code=code_sent) for o in found]
        found += [_enclosed(v, code, name, status) for v in view.all("presentedForm")]
        specimen, collected = self._specimen(resource)
        own = {self._specimen(inner) for inner in held}
        if not specimen and len(own) == 1:
            specimen, collected = own.pop()
        placer, filler = _numbers(resource)
        notes = (*_conclusion(view), *notes_of(view))
        if not (found or notes) and (told := narrative(view)):
            notes = (told,)  # all it says
        return replace(
            asked,
            placer=placer or asked.placer,
            filler=filler or asked.filler,
            code=code,
            name=name,
            control="",
            collected_at=collected or moment_of(view, "effective"),
            reported_at=dtm(view.text("issued")),
            specimen=specimen or asked.specimen,
            section=_section(view),
            status=status,
            status_code=code_sent,
            notes=notes,
            observations=tuple(found),
        )

    def order(self, resource: Resource) -> Group:
        self._values.about(resource)
        view = resource.view
        code_sent = view.text("status")
        found: list[Observation] = []
        for reference in view.all("supportingInfo"):
            inner = self._room.find(reference, of=resource, kinds=("Observation",))
            if inner is not None:
                found += self._values.read(inner)
        return replace(
            self._head(resource),
            control=_CONTROL.get(code_sent, "NW"),
            notes=tuple(_asked(view)),
            observations=tuple(found),
        )

    def said(self, resource: Resource) -> Group:
        """A Communication: its words as notes, its documents as attachments."""
        view = resource.view
        status, code_sent = status_of(view, _SAID)
        code, name = code_and_name(view.at("topic"))
        words, found = [], []
        for payload in view.all("payload"):
            if text := payload.text("contentString").strip():
                words.append(text)
            if document := payload.at("contentAttachment"):
                found.append(_enclosed(document, code, name, status))
            if reference := payload.at("contentReference"):
                inner = self._room.find(reference, of=resource, kinds=("Observation",))
                if inner is not None:
                    found += self._values.read(inner)
        placer, filler = _numbers(resource)
        requester, phone = person_of(view.at("sender"), resource, self._room)
        urgent = view.text("priority") in _URGENT
        return Group(
            placer=placer,
            filler=filler,
            code=code,
            name=name,
            priority=Priority.URGENT if urgent else Priority.ROUTINE,
            priority_text=view.text("priority"),
            reported_at=dtm(view.text("sent")),
            requester=requester,
            requester_phone=phone,
            status=status,
            status_code=code_sent,
            notes=(*words, *notes_of(view)),
            observations=tuple(found),
        )

    def loose(self, resource: Resource) -> Group:
        """An Observation that no report holds, as an examination of its own."""
        view = resource.view
        status, code_sent = status_of(view, STATUS)
        code, name = code_and_name(view.at("code"))
        request = next(self._requests(resource), None)
        asked = self._head(request) if request is not None else Group()
        specimen, collected = self._specimen(resource)
        placer, filler = _numbers(resource)
        return replace(
            asked,
            placer=placer or asked.placer,
            filler=filler or asked.filler,
            code=code,
            name=name,
            control="",
            collected_at=collected or moment_of(view, "effective"),
            reported_at=dtm(view.text("issued")),
            specimen=specimen or asked.specimen,
            section=_section(view),
            status=status,
            status_code=code_sent,
            observations=tuple(self._values.read(resource, under=name)),
        )

    def _requests(self, resource: Resource) -> Iterator[Resource]:
        for reference in resource.view.all("basedOn"):
            found = self._room.find(reference, of=resource, kinds=("ServiceRequest",))
            if found is not None:
                self._values.about(found)
                yield found

    def _head(self, request: Resource) -> Group:
        view = request.view
        status, code_sent = status_of(view, _REQUEST)
        code, name = code_and_name(view.at("code"))
        said = view.text("priority")
        requester, phone = person_of(view.at("requester"), request, self._room)
        specimen, collected = self._specimen(request)
        placer, filler = _numbers(request, placing=True)
        return Group(
            placer=placer,
            filler=filler,
            code=code,
            name=name,
            priority=Priority.URGENT if said in _URGENT else Priority.ROUTINE,
            priority_text=said,
            collected_at=collected,
            wanted_at=moment_of(view, "occurrence"),
            requester=requester,
            requester_phone=phone,
            specimen=specimen,
            section=_section(view),
            status=status,
            status_code=code_sent,
        )

    def _specimen(self, resource: Resource) -> tuple[str, str]:
        """What was taken, and when."""
        for reference in resource.view.all("specimen"):
            found = self._room.find(reference, of=resource, kinds=("Specimen",))
            if found is None:
                if words := reference.text("display"):
                    return words, ""
                continue
            self._values.about(found)
            return concept(found.view.at("type")), moment_of(
                found.view.at("collection"), "collected"
            )
        return "", ""


def _numbers(resource: Resource, *, placing: bool = False) -> tuple[str, str]:
    """Placer and filler number: by the type of identifier, else the first one, else the id."""
    placer = filler = first = ""
    for identifier in resource.view.all("identifier"):
        value = identifier.text("value").strip()
        kinds = codes(identifier.at("type"))
        if "PLAC" in kinds:
            placer = placer or value
        elif "FILL" in kinds:
            filler = filler or value
        else:
            first = first or value
    if placing:
        return placer or first or resource.id, filler
    return placer, filler or first or resource.id


def _section(view: View) -> str:
    found = (c for category in view.all("category") for c in codes(category))
    return next(found, "")


def _conclusion(view: View) -> Iterator[str]:
    if text := view.text("conclusion").strip():
        yield text
    else:
        yield from (t for c in view.all("conclusionCode") if (t := concept(c)))


def _asked(view: View) -> Iterator[str]:
    """Everything an order says beside what it is for."""
    if view.flag("doNotPerform"):
        yield "doNotPerform"
    for name in ("orderDetail", "reasonCode", "bodySite"):
        for found in view.all(name):
            if text := concept(found):
                yield text
    if text := view.text("patientInstruction").strip():
        yield text
    yield from notes_of(view)


def _enclosed(view: View, code: str, name: str, status: Status) -> Observation:
    """A document that came with a report; one that is only an address stays where it is."""
    title = view.text("title") or name
    return Observation(
        code=code or "document",
        name=title or "document",
        value="",
        status=status,
        attachment=attachment_of(view, title),
    )


def attachment_of(view: View, title: str) -> Attachment:
    try:
        data = content_of(view)
    except ValueError as error:
        return Attachment(title=title, media_type="", size=0, fault=str(error))
    declared = view.text("contentType").partition(";")[0].strip().lower()
    media, fault = media_of(data[:32].lstrip(b"\xef\xbb\xbf"), declared)
    if not fault and (sent := view.text("hash")) and not _matches(sent, data):
        fault = "not what its hash says"
    return Attachment(title=title, media_type=media, size=len(data), fault=fault)


def content_of(view: View) -> bytes:
    """The bytes of an Attachment. Raises ValueError saying why there are none."""
    data = view.text("data")
    if not data:
        raise ValueError("only an address" if view.text("url") else "empty")
    try:
        return b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("bad base64") from None


def _matches(sent: str, data: bytes) -> bool:
    """FHIR's hash is SHA-1, in base64; some write it in hexadecimal."""
    digest = sha1(data, usedforsecurity=False)
    return sent in (b64encode(digest.digest()).decode(), digest.hexdigest())


def documents_of(view: View) -> Iterator[View]:
    """The Attachments that stand in one resource, as `report` and `said` announce them."""
    yield from view.all("presentedForm")
    for payload in view.all("payload"):
        if document := payload.at("contentAttachment"):
            yield document
