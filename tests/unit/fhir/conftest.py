import json

import pytest


def _report(**more):
    return {
        "resourceType": "DiagnosticReport",
        "id": "dr1",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "24323-8", "display": "Bilan"}]},
        "subject": {"reference": "#p1"},
        "contained": [_patient(), _potassium()],
        "result": [{"reference": "#o1"}],
    } | more


def _patient(**more):
    return {
        "resourceType": "Patient",
        "id": "p1",
        "identifier": [
            {"type": {"coding": [{"code": "PI"}]}, "system": "urn:chu", "value": "4711"},
            {"system": "urn:oid:1.2.250.1.213.1.4.8", "value": "272076412345678"},
        ],
        "name": [{"use": "official", "family": "Lefèvre", "given": ["Hélène"]}],
        "birthDate": "1972-07-01",
        "gender": "female",
    } | more


def _potassium(**more):
    return {
        "resourceType": "Observation",
        "id": "o1",
        "status": "final",
        "code": {
            "coding": [{"system": "http://loinc.org", "code": "2823-3", "display": "Potassium"}]
        },
        "valueQuantity": {"value": 6.9, "unit": "mmol/L"},
        "interpretation": [{"coding": [{"code": "HH"}]}],
        "referenceRange": [{"low": {"value": 3.5}, "high": {"value": 5.1}}],
    } | more


@pytest.fixture
def resources():
    class Made:
        report = staticmethod(_report)
        patient = staticmethod(_patient)
        potassium = staticmethod(_potassium)

        @staticmethod
        def bundle(*entries, type="collection", **more):
            listed = [{"resource": e} if "resourceType" in e else e for e in entries]
            return {"resourceType": "Bundle", "type": type, "entry": listed} | more

        @staticmethod
        def bytes(found):
            return json.dumps(found, ensure_ascii=False).encode()

    return Made
