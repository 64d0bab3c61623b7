"""Why a FHIR sender is refused: the place as FHIRPath, the kind of issue, the HTTP status that says it."""

from __future__ import annotations

from gateway.errors import Rejected

# HL7 table 0357, for those who know refusals by its codes.
_CODES = {"structure": 100, "required": 101, "invalid": 102, "value": 102, "code-invalid": 103}


class Refused(Rejected):
    """`issue` is of FHIR's value set issue-type; `location` a FHIRPath: "Bundle.entry[2].resource.status"."""

    def __init__(
        self, reason: str, *, at: str = "", issue: str = "invalid", status: int = 422
    ) -> None:
        super().__init__(reason, code=_CODES.get(issue, 200), location=at)
        self.issue = issue
        self.status = status
