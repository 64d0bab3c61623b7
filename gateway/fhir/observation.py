"""One Observation, its components and its members, as the values of an examination."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gateway.fhir.room import Resource, Room
from gateway.fhir.values import (
    absent,
    code_and_name,
    codes,
    concept,
    moment_of,
    quantity,
    range_of,
    shown,
)
from gateway.fhir.view import View
from gateway.hl7.limits import Limits, judge
from gateway.hl7.observation import LIMIT_UNIT
from gateway.hl7.tables import FLAG_ORDER, FLAGS
from gateway.locale import N_
from gateway.message import Flag, Observation, Status

#: Values of one message; more than a slip, a page or a person could hold.
MOST = 5000

STATUS = {
    "registered": Status.PENDING,
    "preliminary": Status.PRELIMINARY,
    "final": Status.FINAL,
    "amended": Status.CORRECTED,
    "corrected": Status.CORRECTED,
    "cancelled": Status.CANCELLED,
    "entered-in-error": Status.WITHDRAWN,
    "unknown": Status.UNKNOWN,
}


def status_of(view: View, known: dict[str, Status]) -> tuple[Status, str]:
    """Raises `Refused` for a status that is none: a wrong guess here is a result believed or thrown away."""
    code = view.text("status")
    status = known.get(code)
    if status is None:
        issue = "code-invalid" if code else "required"
        raise view.refuse(
            f'no such status: "{code[:40]}"' if code else N_("no status"), "status", issue=issue
        )
    return status, code


class Values:
    """Reads the observations of one message; each is read once, however often it is referred to."""

    def __init__(
        self,
        room: Room,
        *,
        limits: Limits | None,
        about: Callable[[Resource], None],
        warn: Callable[[str], None],
    ) -> None:
        self.seen: dict[Resource, None] = {}
        self._room = room
        self._limits = limits if limits is not None and limits.ranges else None
        self.about = about
        self._warn = warn

    def read(self, resource: Resource, *, under: str = "") -> list[Observation]:
        """An Observation, its components and its members, in their order. `under`: the name of its
        group, that is not said again."""
        found: list[Observation] = []
        self._read(resource, found, under=under)
        return found

    def _read(self, resource: Resource, found: list[Observation], *, under: str) -> None:
        if resource in self.seen:
            return  # a loop, or two reports that share a value
        self.seen[resource] = None
        self.about(resource)
        self._room.touch(resource)
        view = resource.view
        status, status_code = status_of(view, STATUS)
        code, name = code_and_name(view.at("code"))
        components, members = view.all("component"), view.all("hasMember")
        own = self._observation(
            view, code, name, status, status_code, observed=moment_of(view, "effective")
        )
        silent = not (own.value or own.notes) and (components or members)
        if not silent or status not in (Status.FINAL, Status.PRELIMINARY, Status.CORRECTED):
            found.append(own)
        title = "" if name == under or not silent else name
        for component in components:
            part, word = code_and_name(component.at("code"))
            word = f"{title}: {word}" if title and len(title) < 60 else word
            found.append(
                self._observation(
                    component, part, word, status, status_code, observed=own.observed_at
                )
            )
        for member in members:
            inner = self._room.find(member, of=resource)
            if inner is None:
                self._warn("not-sent")
            elif inner.type == "Observation":
                self._read(inner, found, under=under)
        if len(found) > MOST:
            raise view.refuse(f"more than {MOST} values", issue="too-long", status=413)

    def _observation(
        self,
        view: View,
        code: str,
        name: str,
        status: Status,
        status_code: str,
        *,
        observed: str,
    ) -> Observation:
        if not code:
            raise view.refuse(N_("says not what was observed"), "code", issue="required")
        value, unit = _value(view)
        flag, flag_text = _flag(view)
        if self._limits is not None and not flag.critical:
            flag = self._judged(view, value, unit) or flag
        return Observation(
            code=code,
            name=name,
            value=value,
            unit=unit,
            reference="\n".join(_references(view)),
            flag=flag,
            flag_text=flag_text,
            status=status,
            status_code=status_code,
            observed_at=observed,
            notes=tuple(_notes(view)),
        )

    def _judged(self, view: View, value: str, unit: str) -> Flag:
        assert self._limits is not None
        limit = self._limits.of(*codes(view.at("code")))
        if limit is None:
            return Flag.NONE
        if limit.unit and unit != limit.unit:
            self._warn(LIMIT_UNIT)
            return Flag.NONE
        return judge(value, limit)


def notes_of(view: View) -> Iterator[str]:
    """Annotations (`note`)."""
    for note in view.all("note"):
        if text := note.text("text").strip():
            yield text


def _notes(view: View) -> Iterator[str]:
    if about := view.all("focus"):
        # What was observed is not the patient but their child, a graft, a device.
        yield ", ".join(r.text("display") or r.text("reference") for r in about)
    if site := concept(view.at("bodySite")):
        yield site
    reason = concept(view.at("dataAbsentReason"))
    if reason and _value(view)[0] != reason:  # there is a value all the same: both must be seen
        yield reason
    yield from notes_of(view)


def _value(view: View) -> tuple[str, str]:
    names = [n for n in view.data if n.startswith("value") and n != "value"]
    if len(names) > 1:
        raise view.refuse(N_("two values"), names[1], issue="structure")
    value, unit = shown(view, names[0]) if names else ("", "")
    if value:
        return value, unit
    silent = (n[1:] for n in view.data if n.startswith("_value"))
    return absent(view, next(iter((*names, *silent)), "value")), ""


def _flag(view: View) -> tuple[Flag, str]:
    concepts = view.all("interpretation")
    found = [c for one in concepts for c in codes(one)]
    flags = {FLAGS.get(code.upper(), Flag.NONE) for code in found} or {Flag.NONE}
    said = found or [t for one in concepts if (t := concept(one))]
    return next(flag for flag in FLAG_ORDER if flag in flags), " ".join(dict.fromkeys(said))


def _references(view: View) -> Iterator[str]:
    for reference in view.all("referenceRange"):
        text = reference.text("text").strip() or range_of(reference)
        kind = reference.at("type")
        if kind and "normal" not in codes(kind):
            text = f"{concept(kind)}: {text}"
        whom = [concept(who) for who in reference.all("appliesTo")]
        if age := reference.at("age"):
            unit = quantity(age.at("low"))[1] or quantity(age.at("high"))[1]
            whom.append(f"{range_of(age)} {unit}".strip())
        if text:
            yield f"{text} ({', '.join(filter(None, whom))})" if any(whom) else text
