"""One whole body of each kind that may be posted, of a patient who does not exist: for the description."""

from __future__ import annotations

from typing import Any

_PATIENT = {
    "resourceType": "Patient",
    "id": "patient",
    "identifier": [{"type": {"coding": [{"code": "PI"}]}, "value": "69102274"}],
    "name": [{"use": "official", "family": "EXEMPLE", "given": ["Noémie"]}],
    "birthDate": "1961-02-14",
    "gender": "female",
}
_OF = {"subject": {"reference": "#patient"}, "contained": [_PATIENT]}
_VALUE = {
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "2823-3", "display": "Potassium"}]},
    "valueQuantity": {"value": 4.1, "unit": "mmol/L"},
    "referenceRange": [{"low": {"value": 3.5}, "high": {"value": 5.1}}],
}
_INNER = {"resourceType": "Observation", "id": "potassium", **_VALUE}

#: By resource type.
FHIR: dict[str, dict[str, Any]] = {
    "DiagnosticReport": {
        "resourceType": "DiagnosticReport",
        "id": "report-1",
        "status": "final",
        "code": {"text": "Ionogramme"},
        "subject": {"reference": "#patient"},
        "contained": [_PATIENT, _INNER],
        "result": [{"reference": "#potassium"}],
    },
    "Observation": {"resourceType": "Observation", "id": "observation-1", **_VALUE, **_OF},
    "ServiceRequest": {
        "resourceType": "ServiceRequest",
        "id": "order-1",
        "status": "active",
        "intent": "order",
        "priority": "urgent",
        "code": {"text": "Ionogramme"},
        **_OF,
    },
    "Communication": {
        "resourceType": "Communication",
        "id": "communication-1",
        "status": "completed",
        "payload": [{"contentString": "Prélèvement à refaire"}],
        **_OF,
    },
}

BUNDLE: dict[str, Any] = {
    "resourceType": "Bundle",
    "type": "transaction",
    "entry": [
        {
            "resource": FHIR["DiagnosticReport"],
            "request": {"method": "POST", "url": "DiagnosticReport"},
        }
    ],
}

_HL7 = (
    "MSH|^~\\&|SIL|LABO|WARDLINE|H|20260101120000||ORU^R01|EXAMPLE-1|P|2.5\r"
    "PID|1||69102274^^^H^PI||EXEMPLE^Noémie||19610214|F\rPV1|1|I|CARD\r"
    "OBR|1||1001|24323-8^Ionogramme\rOBX|1|NM|2823-3^Potassium||4.10|mmol/L|3.5-5.1||||F\r"
)

ENVELOPE = {"format": "hl7v2", "body": _HL7}
