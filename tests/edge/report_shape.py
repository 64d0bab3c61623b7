"""The JSON of `wardline report` as docs/reference/report.schema.json promises it.

`python -m tests.edge.report_shape` writes that file anew.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA = Path(__file__).parents[2] / "docs" / "reference" / "report.schema.json"


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Ward(Shape):
    name: str
    phone: str


class Site(Shape):
    code: str
    name: str
    language: Literal["fr", "en"]
    timezone: str
    wards: dict[str, Ward]


class Journal(Shape):
    seq: int
    hash: str = Field(pattern="^[0-9a-f]{64}$")


class Outage(Shape):
    id: int
    began_at: datetime
    ended_at: datetime | None
    reason: str
    by: str


class Totals(Shape):
    in_: int = Field(alias="in")
    delivered: int
    open: int
    superseded: int
    refused: int
    nobody: int
    recorded: int
    balanced: bool


class Attempt(Shape):
    at: datetime
    ended_at: datetime | None
    outcome: Literal["delivered", "temporary", "permanent", "uncertain"] | None
    detail: str
    channel: str
    device: str
    slip: int | None
    reprint: int


class Delivery(Shape):
    id: int
    to: str
    purpose: Literal["ward", "relay", "handback", "notice", "call", "label", "copy"]
    channel: str
    state: Literal[
        "open", "sending", "held", "quarantined", "delivered", "superseded", "withdrawn", "refused"
    ]
    slip: int | None
    reason: str
    attempts: list[Attempt]


class Patient(Shape):
    family: str = ""
    given: str = ""
    birth_name: str = ""
    birth_date: str = ""
    sex: str = ""
    ipp: str = ""
    nda: str = ""


class Examination(Shape):
    order: str
    name: str


class Acknowledgement(Shape):
    at: datetime
    person: str
    name: str
    via: str
    accepted: bool
    conveyed: str
    read_back: Literal["", "ok", "failed"]
    keyed: list[str]
    difficulties: str


class Message(Shape):
    id: int
    control_id: str
    sender: str
    intake: str
    format: str
    kind: Literal["result", "order", "movement", "document", "notice", "other"]
    priority: Literal["routine", "urgent", "critical"]
    ward: str
    received_at: datetime
    state: Literal["open", "delivered", "superseded", "refused", "recorded"]
    received: bool
    counted: bool
    refused: str
    outage: int
    minutes: float | None
    patient: Patient
    examinations: list[Examination]
    deliveries: list[Delivery]
    stand_ins: list[Delivery]
    acknowledgements: list[Acknowledgement]


class Report(Shape):
    site: Site
    made_at: datetime
    journal: Journal
    outage: Outage
    totals: Totals
    nobody: list[Message]
    messages: list[Message]


def schema() -> str:
    return json.dumps(Report.model_json_schema(), indent=2) + "\n"


def keys() -> set[str]:
    """Every key of every table."""
    defined = Report.model_json_schema()
    tables = [defined, *defined["$defs"].values()]
    return {key for table in tables for key in table.get("properties", {})}


if __name__ == "__main__":
    SCHEMA.write_text(schema(), "utf-8")
