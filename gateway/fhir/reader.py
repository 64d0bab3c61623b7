"""FHIR R4 read: resources in, messages out, or a refusal that names the place.

Tolerant of form (unknown elements, one where a list belongs), strict about persons and statuses. What a
reference means must have come with it; no address is ever fetched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from gateway.fhir.bundle import Bundle, open_bundle, slice_of
from gateway.fhir.observation import Values
from gateway.fhir.person import location_of, place_of, subject_of, visit_of
from gateway.fhir.refusal import Refused
from gateway.fhir.report import Groups
from gateway.fhir.room import Resource
from gateway.fhir.text import parse
from gateway.fhir.values import dtm
from gateway.fhir.view import View
from gateway.hl7.limits import Limits
from gateway.hl7.patient import same_person
from gateway.hl7.reader import NO_IDENTIFIER, NO_NAME
from gateway.locale import N_
from gateway.message import Group, Kind, Location, Message, Patient, Priority

#: What is read, and what it becomes; in the order in which one holds the other.
FOCI = {
    "DiagnosticReport": Kind.RESULT,
    "Observation": Kind.RESULT,
    "ServiceRequest": Kind.ORDER,
    "Communication": Kind.DOCUMENT,
}
# What may come beside them, because it says whom, where or how.
_BESIDE = frozenset(
    "Account BodyStructure CareTeam Composition Condition Coverage Device Encounter "
    "EpisodeOfCare HealthcareService ImagingStudy Location Media MessageHeader "
    "Organization Patient Practitioner PractitionerRole Procedure Provenance RelatedPerson Specimen "
    "Substance".split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One message, and the bytes that say it: all that came, or what of it is this patient's."""

    message: Message
    raw: bytes
    entries: tuple[int, ...] = ()  # of the Bundle, which it answers
    bundle: str = ""  # the type of that Bundle; "" for a resource alone
    count: int = 0  # its entries


def read(raw: bytes, *, control_id: str, sender: str, limits: Limits | None = None) -> Message:
    """The one message in `raw`, under the name it was given. Raises `Refused`."""
    parts = read_all(raw, control_id=control_id, sender=sender, limits=limits)
    if len(parts) > 1:
        raise Refused(N_("two patients in one message"), at="Bundle.entry", issue="invariant")
    return replace(parts[0].message, control_id=control_id)


def read_all(
    raw: bytes, *, sender: str, control_id: str = "", limits: Limits | None = None
) -> tuple[Part, ...]:
    """The messages in `raw`: one, but for a transaction or batch of several patients.

    `control_id` names them; "" for a name made of the sender and the bytes, so that the same is known
    again. Raises `Refused`, with the place as FHIRPath; then there is nothing to be kept of any of it.
    """
    bundle = open_bundle(parse(raw), known=FOCI)
    name = control_id or name_of(raw, sender)
    parts = _Parting(bundle, limits).parts()
    if len(parts) > 1 and not bundle.several:
        again = parts[1].first.view
        raise again.refuse(N_("two patients in one message"), "subject", issue="invariant")
    made = []
    for number, part in enumerate(parts, start=1):
        own = name if len(parts) == 1 else f"{name[:16]}.{number}"
        message = part.message(bundle, control_id=own, sender=sender)
        piece = raw if len(parts) == 1 else slice_of(bundle, sorted(part.touched))
        made.append(
            Part(
                message=message,
                raw=piece,
                entries=tuple(part.entries),
                bundle=bundle.type,
                count=bundle.count,
            )
        )
    return tuple(made)


def name_of(raw: bytes, sender: str) -> str:
    """A control id (20 characters, as HL7 v2 allows) for what has none of its own."""
    return "F" + sha256(sender.encode("utf-8", "replace") + b"\0" + raw).hexdigest()[:19].upper()


class _Piece:
    """What belongs to one patient, in one place."""

    def __init__(
        self, kind: Kind, first: Resource, patient: Patient, where: Location | None
    ) -> None:
        self.kind = kind
        self.first = first
        self.patient = patient
        self.where = where
        self.groups: list[Group] = []
        self.entries: list[int] = []
        self.touched: set[int] = set()
        self.warnings: dict[str, None] = {}

    def message(self, bundle: Bundle, *, control_id: str, sender: str) -> Message:
        patient, warnings = self.patient, self.warnings
        if not (patient.identifiers or patient.nda):
            warnings[NO_IDENTIFIER] = None
        if not (patient.family or patient.given):
            warnings[NO_NAME] = None
        return Message(
            control_id=control_id,
            sender=sender,
            type=self.first.type,
            kind=self.kind,
            priority=_priority(self.groups),
            test=bundle.test,
            sent_at=dtm(bundle.sent_at),
            patient=patient,
            location=self.where,
            groups=tuple(self.groups),
            warnings=tuple(warnings),
        )


class _Parting:
    """Goes through what came, and gives each thing to the patient it is about."""

    def __init__(self, bundle: Bundle, limits: Limits | None) -> None:
        self._bundle = bundle
        self._room = bundle.room
        self._pieces: list[_Piece] = []
        self._patient: Patient | None = None
        self._warnings: dict[str, None] = {}
        self._values = Values(
            self._room,
            limits=limits,
            about=self._about,
            warn=lambda w: self._warnings.update({w: None}),
        )
        self._groups = Groups(self._room, self._values)
        self._asked: set[Resource] = set()

    def parts(self) -> list[_Piece]:
        foci = [r for r in self._room.entries if r.type in FOCI]
        for reader, chosen in (
            (self._groups.report, [r for r in foci if r.type == "DiagnosticReport"]),
            (self._groups.loose, self._tops([r for r in foci if r.type == "Observation"], foci)),
            (self._groups.order, [r for r in foci if r.type == "ServiceRequest"]),
            (self._groups.said, [r for r in foci if r.type == "Communication"]),
        ):
            for resource in chosen:
                if resource not in self._values.seen and resource not in self._asked:
                    self._take(resource, reader)
        if not self._pieces:
            raise self._bundle.view.refuse(
                f"nothing to deliver: one of {', '.join(FOCI)} is", issue="not-supported"
            )
        for resource in foci:  # values within reports: they are answered with them
            self._answer(resource)
        self._all_known()
        return sorted(self._pieces, key=lambda p: p.entries[:1])

    def _take(self, resource: Resource, reader: Callable[[Resource], Group]) -> None:
        self._room.touched = set()
        self._warnings = {}
        self._room.touch(resource)
        self._patient = None
        patient = subject_of(resource, self._room)
        self._patient = patient
        stay = self._stay(resource)
        if stay is not None and (visit := visit_of(stay.view)):
            patient = replace(patient, nda=visit)
        where = self._where(resource, stay)
        group = reader(resource)
        piece = self._piece(FOCI[resource.type], resource, patient, where)
        piece.groups.append(group)
        piece.touched |= self._room.touched
        piece.warnings |= self._warnings
        if resource.entry is not None:
            piece.entries.append(resource.entry)

    def _piece(
        self, kind: Kind, first: Resource, patient: Patient, where: Location | None
    ) -> _Piece:
        for piece in self._pieces:
            if not (piece.patient == patient or same_person(piece.patient, patient)):
                continue
            if not self._bundle.several:
                piece.where = piece.where or where
            elif piece.kind is not kind or (piece.where and where and piece.where != where):
                continue
            return piece
        piece = _Piece(kind, first, patient, where)
        self._pieces.append(piece)
        return piece

    def _tops(
        self, observations: Sequence[Resource], foci: Sequence[Resource]
    ) -> Iterator[Resource]:
        """Panels before their members, whatever their order; looked at one after the other, because what
        one holds is not said again."""
        held = set()
        for resource in foci:
            if resource.type in ("Observation", "ServiceRequest"):
                for name in ("hasMember", "supportingInfo"):
                    for reference in resource.view.all(name):
                        found = self._room.find(reference, of=resource, kinds=("Observation",))
                        held.add(found)
        yield from (r for r in observations if r not in held)
        if not any(r.type == "ServiceRequest" for r in foci):
            yield from (r for r in observations if r in held)  # a loop, which nothing else holds

    def _about(self, resource: Resource) -> None:
        """Whatever belongs to a message must be about its patient. Raises `Refused`."""
        if resource.type == "ServiceRequest":
            self._asked.add(resource)
        if self._patient is None or not resource.view.at("subject"):
            return
        other = subject_of(resource, self._room)
        if other != self._patient and not same_person(self._patient, other):
            raise resource.view.refuse(N_("about another patient"), "subject", issue="invariant")

    def _stay(self, resource: Resource) -> Resource | None:
        """The encounter of what is reported, else of what was asked."""
        found = self._room.find(resource.view.at("encounter"), of=resource, kinds=("Encounter",))
        if found is None:
            for reference in resource.view.all("basedOn"):
                asked = self._room.find(reference, of=resource, kinds=("ServiceRequest",))
                if asked is not None:
                    found = self._room.find(
                        asked.view.at("encounter"), of=asked, kinds=("Encounter",)
                    )
                    if found is not None:
                        break
        if found is not None:
            self._about(found)
        return found

    def _where(self, resource: Resource, stay: Resource | None) -> Location | None:
        if stay is not None and (place := location_of(stay, self._room)) is not None:
            return place
        asked = [resource]
        for reference in resource.view.all("basedOn"):
            found = self._room.find(reference, of=resource, kinds=("ServiceRequest",))
            if found is not None:
                asked.append(found)
        for request in asked:
            for reference in request.view.all("locationReference"):
                if (place := place_of(reference, request, self._room)) is not None:
                    return place
        if resource.type == "Communication":
            for reference in resource.view.all("recipient"):
                if _is_place(reference) and (place := place_of(reference, resource, self._room)):
                    return place
        return None

    def _all_known(self) -> None:
        """A transaction is all or nothing: what it holds beside must at least explain what is taken."""
        if self._bundle.type != "transaction" or not self._bundle.several:
            return
        for resource in self._room.entries:
            if resource.type not in FOCI and resource.type not in _BESIDE:
                raise resource.view.refuse(
                    f"{resource.type[:40]} is not taken here", issue="not-supported"
                )

    def _answer(self, resource: Resource) -> None:
        for piece in self._pieces:
            if resource.entry in piece.touched and resource.entry not in piece.entries:
                piece.entries.append(resource.entry)


def _is_place(reference: View) -> bool:
    kind = reference.text("type") or reference.text("reference")
    return any(word in kind for word in ("Location", "Organization", "#"))


def _priority(groups: Sequence[Group]) -> Priority:
    """The most pressing: a critical value, else the most urgent order."""
    if any(o.flag.critical for group in groups for o in group.observations):
        return Priority.CRITICAL
    urgent = any(group.priority is Priority.URGENT for group in groups)
    return Priority.URGENT if urgent else Priority.ROUTINE
