"""Which OBX and NTE belong to which ORC and OBR: segments in order, grouped as examinations.

Most messages put ORC before its OBR and the specimen (SPM) at the end of a group; some of OUL and
OML put ORC after OBR, and the specimen before all that was asked or found of it (`tables`).
Notes belong to the segment they follow.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from gateway.hl7.attachment import is_document
from gateway.hl7.limits import Limits
from gateway.hl7.observation import OBX, continues, documents_of, in_brief, observation_of
from gateway.hl7.order import Lineage, Order, head_of, status_of
from gateway.hl7.syntax import Syntax
from gateway.hl7.tables import CRITICAL, ORC_AFTER_OBR, SPECIMEN_FIRST
from gateway.hl7.values import TEXT
from gateway.message import Group, Observation, Status

# NTE-4 (table 0364 and sites' own): a short code, or nothing.
_COMMENT_TYPE = re.compile(r"(?:[A-Z0-9_-]{0,8}|\"\")(?:\Z|[^A-Za-z0-9 '])")


class Groups:
    """Takes a message's segments one by one, gives its groups and the notes before them."""

    def __init__(
        self,
        syntax: Syntax,
        *,
        type: str,
        shared_orc: bool,
        limits: Limits | None = None,
        brief: bool = False,
    ) -> None:
        """`brief`: of what was observed, only flags and statuses."""
        self.notes: list[str] = []  # before any group
        self.critical = False  # some value is
        self.take: dict[str, Callable[[str], None]] = {
            "OBX": self._obx,
            "NTE": self._nte,
            "OBR": self._obr,
            "ORC": self._orc,
            "TQ1": self._tq1,
            "SPM": self._spm,
        }
        self._syntax = syntax
        self._limits = limits
        self._brief = brief
        self._specimen_first = type in SPECIMEN_FIRST
        self._orc_late = type in ORC_AFTER_OBR
        self._shared_orc = shared_orc  # an ORC may stand for several OBR: ORM and its kin
        self._groups: list[Group] = []
        self._lineages: list[Lineage] = []
        self._order = Order()
        self._status = Status.UNKNOWN
        self._group_notes: list[str] = []
        self._observations: list[Observation] = []
        self._open = False  # a group has begun
        self._obx_open: list[str] | None = None  # the OBX whose notes may still come
        self._verbatim = False  # nothing in it needs un-escaping
        self._texts: list[str] = []  # its OBX-5, and that of the OBX that continue it
        self._obx_notes: list[str] = []
        self._here = self.notes  # where the next NTE belongs

    def close(self) -> tuple[Group, ...]:
        """All groups, once the last segment has been taken."""
        self._close_group()
        self.notes += self._group_notes  # of a group that never began
        return _with_parents(self._groups, self._lineages)

    def _obx(self, line: str) -> None:
        obx = line.split(self._syntax.field)
        if len(obx) < len(OBX):
            obx += OBX[len(obx) :]
        before = self._obx_open
        if before is not None:
            if obx[2] in TEXT and not self._obx_notes and continues(before, obx):
                self._texts.append(obx[5])
                return
            self._close_obx()
        self._open = True
        self._obx_open = obx
        self._verbatim = self._syntax.is_verbatim(line)
        self._texts = [obx[5]]
        self._here = self._obx_notes = []

    def _close_obx(self) -> None:
        obx = self._obx_open
        if obx is None:
            return
        self._obx_open = None
        if len(self._texts) > 1:  # each line is a repetition, as it would be within one OBX
            obx[5] = self._syntax.repetition.join(self._texts)
        document = ""
        if (obx[2] == "ED" or obx[2] in TEXT) and is_document(obx[2], obx[5]):
            document, obx[5] = obx[5], ""
        observation = self._observation(obx)
        if observation.flag in CRITICAL:
            self.critical = True
        if document and not self._brief:
            self._observations += documents_of(observation, document, self._syntax)
        else:
            self._observations.append(observation)

    def _observation(self, obx: list[str]) -> Observation:
        if self._brief and self._verbatim:
            brief = in_brief(obx, self._syntax, self._limits)
            if brief is not None:
                return brief
        return observation_of(
            obx,
            self._obx_notes,
            self._syntax,
            verbatim=self._verbatim,
            fallback=self._status,
            limits=self._limits,
        )

    def _nte(self, line: str) -> None:
        syntax = self._syntax
        fields = syntax.fields(line)
        if len(fields) < 4:
            return
        comment = fields[3]
        if len(fields) > 4 and not _COMMENT_TYPE.match(fields[4]):
            comment = syntax.field.join(fields[3:])  # the comment goes on: `|` was not escaped
        note = syntax.lines(comment)
        if note and not note.isspace():
            self._here.append(note)

    def _orc(self, line: str) -> None:
        orc = self._syntax.fields(line)
        if self._orc_late and self._order.obr and not self._order.orc:
            self._order.orc = orc
            return
        self._begin(Order(orc=orc, spm=self._carried()))

    def _obr(self, line: str) -> None:
        if self._order.obr or self._observations or self._obx_open is not None:
            orc = self._order.orc if self._shared_orc else []
            self._begin(Order(orc=orc, spm=self._carried()))
        self._open = True
        self._order.obr = obr = self._syntax.fields(line)
        self._status = status_of(obr, self._syntax)
        self._here = self._group_notes

    def _tq1(self, line: str) -> None:
        self._open = True
        self._order.tq1 = self._order.tq1 or self._syntax.fields(line)

    def _spm(self, line: str) -> None:
        spm = self._syntax.fields(line)
        if self._specimen_first:
            self._begin(Order(spm=spm))
        elif self._open:
            self._close_obx()
            self._order.spm = self._order.spm or spm
            self._here = self._group_notes

    def _carried(self) -> list[str]:
        return self._order.spm if self._specimen_first else []

    def _begin(self, order: Order) -> None:
        self._close_group()
        self._order = order
        self._open = bool(order.orc)
        self._here = self._group_notes

    def _close_group(self) -> None:
        self._close_obx()
        if self._open:
            head = head_of(self._order, self._syntax)
            self._groups.append(
                Group(
                    **head.fields,
                    notes=tuple(self._group_notes),
                    observations=tuple(self._observations),
                )
            )
            self._lineages.append(head.lineage)
            self._group_notes = []  # else they are the next group's
        self._order, self._open, self._status = Order(), False, Status.UNKNOWN
        self._observations = []


def _with_parents(groups: list[Group], lineages: list[Lineage]) -> tuple[Group, ...]:
    """Each group with what its parent observation found: the germ an antibiogram was made for."""
    if not any(lineage.code for lineage in lineages):
        return tuple(groups)
    found: dict[Lineage, str] = {}
    for group in groups:
        for o in group.observations:
            for filler in (group.filler, group.placer, ""):
                found.setdefault(Lineage(filler=filler, code=o.code, sub_id=o.sub_id), o.value)
    return tuple(
        replace(group, parent_value=found[lineage])
        if not group.parent_value and found.get(lineage)
        else group
        for group, lineage in zip(groups, lineages, strict=True)
    )
