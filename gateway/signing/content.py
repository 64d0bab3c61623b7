"""What the signed report says: moments on the site's wall, and each try as one line of text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from gateway.delivery import HANDED
from gateway.locale import Translate
from gateway.render import acts, moments
from gateway.render import words as reasons


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells a report in one language, time zone and site."""

    _: Translate
    zone: ZoneInfo
    wards: Mapping[str, Mapping[str, str]]

    def title(self, outage: Mapping[str, Any]) -> str:
        _ = self._
        if outage["ended_at"] is None:
            return _("Provisional report of an outage that has not ended")
        return _("Reconciliation report of the outage")

    def moment(self, text: str, *, day: bool = True) -> str:
        """As `moments.wall`, to the second."""
        at = datetime.fromisoformat(text).astimezone(self.zone)
        date = "%d/%m/%Y " if self._.language == "fr" else "%d-%b-%Y "
        return at.strftime((date if day else "") + "%H:%M:%S")

    def facts(self, report: Mapping[str, Any]) -> list[list[str]]:
        _, outage = self._, report["outage"]
        ended = outage["ended_at"]
        by = outage["by"]
        return [
            [_("Outage"), f"n° {outage['id']}"],
            [_("Began"), self.moment(outage["began_at"])],
            [_("Ended"), self.moment(ended) if ended else _("not ended")],
            [_("Reason"), reasons.reason(_, outage["reason"]) or "–"],
            [_("Declared by"), _("Wardline's watch") if by == "watch" else by],
        ]

    def totals(self) -> tuple[tuple[str, str], ...]:
        _ = self._
        return (
            ("in", _("received")),
            ("delivered", _("delivered")),
            ("open", _("open")),
            ("superseded", _("superseded")),
            ("refused", _("refused")),
        )

    def apart(self, count: int) -> str:
        return self._.plural(
            "Besides, {n} message that no ward waits for (movements and others).",
            "Besides, {n} messages that no ward waits for (movements and others).",
            count,
        )

    def row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        minutes = row["minutes"]
        return {
            "received": self.moment(row["received_at"]),
            "control": row["control_id"],
            "patient": self._patient(row["patient"], sender=row["sender"]),
            "ward": self._ward(row["ward"]),
            "phone": self.wards.get(row["ward"], {}).get("phone", ""),
            "examinations": self._examinations(row),
            "priority": acts.priority(self._, row["priority"]),
            "state": acts.state(self._, row["state"]),
            "outputs": list(self._outputs(row)),
            "why": list(self._why(row)),
            "minutes": "–" if minutes is None else self._number(minutes),
        }

    def _ward(self, code: str) -> str:
        ward = self.wards.get(code)
        return ward["name"] if ward else code or "–"

    def _number(self, value: float) -> str:
        text = f"{value:.1f}"
        return text.replace(".", ",") if self._.language == "fr" else text

    def _patient(self, patient: Mapping[str, str], *, sender: str) -> dict[str, str]:
        _ = self._
        if not patient:  # a fax, a page: who sent it may know whom it is about
            by = " ".join(sender.replace("|", " ").split())
            return {
                "name": _("unknown"),
                "numbers": _("sent by {sender}", sender=by) if by else "",
            }
        name = " ".join(filter(None, (patient["family"], patient["given"])))
        born = moments.birth(_, patient["birth_date"], self.zone.key)
        parts = (
            born,
            f"{_('IPP')} {patient['ipp']}" if patient["ipp"] else "",
            f"{_('NDA')} {patient['nda']}" if patient["nda"] else "",
        )
        return {"name": name or _("NO NAME"), "numbers": " · ".join(filter(None, parts))}

    def _examinations(self, row: Mapping[str, Any]) -> str:
        said = (" ".join(filter(None, (e["name"], e["order"]))) for e in row["examinations"])
        return ", ".join(dict.fromkeys(filter(None, said)))

    def _outputs(self, row: Mapping[str, Any]) -> Iterator[str]:
        _ = self._
        if row["refused"]:
            yield _("refused: {reason}", reason=row["refused"])
        for delivery in row["deliveries"]:
            for attempt in delivery["attempts"]:
                yield self._try(delivery, attempt, attempt["channel"])
        for delivery in row["stand_ins"]:
            for attempt in delivery["attempts"]:
                yield self._try(delivery, attempt, "summary")
        for said in row["acknowledgements"]:
            yield self._said(said)
        yield from self._why(row)

    def _said(self, said: Mapping[str, Any]) -> str:
        """Who has said to have it, when and how, and what was read back; or why it did not count."""
        _ = self._
        name = said["name"] or said["person"]
        person = f"{name} ({said['person']})" if said["person"] not in ("", name) else name
        keyed = ", ".join(said["keyed"])
        parts = (
            self.moment(said["at"], day=False),
            acts.via(_, said["via"]),
            _("acknowledged by {person}", person=person)
            if said["accepted"]
            else _("not acknowledged: {person}", person=person),
            acts.read_back(_, said["read_back"]),
            f"[{keyed}]" if keyed else "",
            f"({said['difficulties']})" if said["difficulties"] else "",
        )
        return " ".join(filter(None, parts))

    def _why(self, row: Mapping[str, Any]) -> Iterator[str]:
        for delivery in row["deliveries"]:
            yield from self._untold(delivery)
        if any(delivery["state"] != "delivered" for delivery in row["stand_ins"]):
            _ = self._
            yield _("its summary slip has not come out")

    def _untold(self, delivery: Mapping[str, Any]) -> Iterator[str]:
        """What no attempt tells: why nothing more is tried, or what is waited for."""
        _, state = self._, delivery["state"]
        if state == "withdrawn":
            yield _("withdrawn from paper: the platform has it")
        elif state in ("open", "sending") and delivery["purpose"] != "handback":
            why = acts.detail(_, delivery["reason"])
            what = acts.channel(_, delivery["channel"])
            yield _("waits: {what}", what=f"{what} ({why})" if why else what)
        elif state in ("open", "held"):
            yield _("owed to the platform")

    def _try(self, delivery: Mapping[str, Any], attempt: Mapping[str, Any], channel: str) -> str:
        """When, by what, where, how it ended, and its proof."""
        _ = self._
        proved = attempt["outcome"] == "delivered"
        handed = proved and str(attempt["detail"]).startswith(HANDED)
        detail = attempt["detail"] if proved else acts.detail(_, attempt["detail"])
        number = attempt["slip"]
        device = attempt["device"] if attempt["device"] != "platform" else ""
        parts = (
            self.moment(attempt["ended_at"] or attempt["at"], day=False),
            acts.channel(_, channel),
            f"n° {number:04}" if number else "",
            device,
            acts.outcome(_, "handed" if handed else attempt["outcome"]),
            f"({detail})" if detail else "",
        )
        return " ".join(filter(None, parts))
