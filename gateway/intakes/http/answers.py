"""What a sender is answered: JSON, problem documents (RFC 9457), OperationOutcomes, in its language."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.errors import Rejected
from gateway.fhir import Refused
from gateway.locale import LANGUAGES, N_, translator

JSON = "application/json"
PROBLEM = "application/problem+json"
FHIR = "application/fhir+json"
#: Said with every refusal that time mends, seconds.
LATER = "30"

#: What a problem is called, by the last word of its type.
TITLES: Mapping[str, str] = {
    "bad-request": N_("The request cannot be read"),
    "unauthorized": N_("No valid token"),
    "forbidden": N_("This sender may not send that"),
    "not-found": N_("There is no such thing here"),
    "method-not-allowed": N_("That cannot be done here"),
    "conflict": N_("The same request is under way"),
    "precondition-failed": N_("Another message already has this condition"),
    "too-slow": N_("The request did not come whole in time"),
    "too-large": N_("Longer than this intake takes"),
    "unsupported-type": N_("This kind of content is not taken here"),
    "key-reused": N_("This idempotency key stands for another message"),
    "refused": N_("The message is refused"),
    "full": N_("No room on disk: send again later"),
    "busy": N_("Too much at once: send again later"),
    "internal": N_("Internal error: send again"),
}
_ISSUES = {
    "unauthorized": "login",
    "forbidden": "forbidden",
    "not-found": "not-found",
    "method-not-allowed": "not-supported",
    "conflict": "lock-error",
    "precondition-failed": "conflict",
    "too-large": "too-long",
    "unsupported-type": "not-supported",
    "key-reused": "conflict",
    "full": "no-store",
    "busy": "throttled",
    "internal": "exception",
}
_PREFERENCE = re.compile(r"\s*([A-Za-z]{1,8})[A-Za-z0-9-]*\s*(?:;\s*q=([0-9.]{1,5}))?\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A response, whole."""

    status: int
    body: bytes = b""
    media: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


class Problem(Exception):
    """A request that is not carried out: becomes a problem document, or an OperationOutcome under /fhir."""

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        **more: object,
    ) -> None:
        super().__init__(kind)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.headers = headers or {}
        self.more = more

    @classmethod
    def of(cls, rejected: Rejected) -> Problem:
        """A message that is refused, with the place of the fault."""
        status = rejected.status if isinstance(rejected, Refused) else 422
        kind = {400: "bad-request", 405: "method-not-allowed", 413: "too-large"}.get(
            status, "refused"
        )
        found = cls(status, kind, rejected.reason, code=rejected.code)
        if rejected.location:
            found.more["location"] = rejected.location
        if isinstance(rejected, Refused):
            found.more["issue"] = rejected.issue
        return found


def reply(status: int, said: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status=status, body=written(said), headers=headers or {})


def problem(found: Problem, language: str) -> Answer:
    """RFC 9457."""
    _ = translator(language)
    more = {k: v for k, v in found.more.items() if k != "issue"}
    said = {
        "type": f"/problems/{found.kind}",
        "title": _(TITLES[found.kind]),
        "status": found.status,
        **({"detail": _(found.detail)} if found.detail else {}),
        **more,
    }
    headers = {"Content-Language": _.language, **found.headers}
    return Answer(status=found.status, body=written(said), media=PROBLEM, headers=headers)


def outcome(found: Problem, language: str) -> Answer:
    """An OperationOutcome (FHIR R4): `expression` holds the FHIRPath of the fault."""
    _ = translator(language)
    issue: dict[str, Any] = {
        "severity": "error",
        "code": found.more.get("issue") or _ISSUES.get(found.kind, "invalid"),
        "details": {"text": _(TITLES[found.kind])},
    }
    if found.detail:
        issue["diagnostics"] = _(found.detail)
    if where := found.more.get("location"):
        issue["expression"] = [where]
    headers = {"Content-Language": _.language, **found.headers}
    return Answer(
        status=found.status,
        body=written({"resourceType": "OperationOutcome", "issue": [issue]}),
        media=FHIR,
        headers=headers,
    )


def language_of(accepted: str, default: str) -> str:
    """What a sender would rather read (Accept-Language), of what we speak."""
    best, found = 0.0, default
    for part in accepted[:200].split(","):
        said = _PREFERENCE.fullmatch(part)
        if said is None or said[1].lower() not in LANGUAGES:
            continue
        try:
            weight = float(said[2] or 1)
        except ValueError:
            continue
        if weight > best:
            best, found = weight, said[1].lower()
    return found


def written(said: Mapping[str, Any]) -> bytes:
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
