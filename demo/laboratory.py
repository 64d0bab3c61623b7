"""What the demo's laboratory sends: fictive patients, real HL7 v2.5."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Analyte:
    code: str
    name: str
    value: str
    unit: str
    reference: str
    flag: str = ""


SODIUM = Analyte(code="2951-2", name="Sodium", value="139", unit="mmol/L", reference="136-145")
CREATININE = Analyte(
    code="14682-9", name="Créatinine", value="84", unit="µmol/L", reference="59-104"
)
CRP = Analyte(
    code="1988-5", name="Protéine C réactive", value="48", unit="mg/L", reference="< 5", flag="H"
)


def potassium(value: str, flag: str = "") -> Analyte:
    return Analyte(
        code="2823-3",
        name="Potassium",
        value=value,
        unit="mmol/L",
        reference="3.5-5.1",
        flag=flag,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    ipp: str
    name: str
    born: str
    sex: str


ELOISE = Patient(ipp="69102274", name="LEFÈBVRE-ŒUVRARD^Éloïse", born="19530422", sex="F")
RAPHAEL = Patient(ipp="47788723", name="ŁUKASIEWICZ^Raphaël", born="19850811", sex="M")
AICHA = Patient(ipp="62102878", name="NGUYỄN^Aïcha", born="19350127", sex="F")


def result(
    control_id: str,
    patient: Patient,
    *analytes: Analyte,
    ward: str = "CARD",
    order: str = "260001",
    status: str = "F",
    note: str = "",
) -> bytes:
    """An ORU^R01 in UTF-8, as a French laboratory sends it."""
    now = datetime.now().astimezone().strftime("%Y%m%d%H%M%S%z")
    obx = "".join(
        f"OBX|{i}|NM|{a.code}^{a.name}^LN||{a.value}|{a.unit}|{a.reference}|{a.flag}|||{status}"
        f"|||{now}\r"
        for i, a in enumerate(analytes, 1)
    )
    nte = f"NTE|1|L|{note}\r" if note else ""
    return (
        f"MSH|^~\\&|SIL|LABO|WARDLINE|HEX|{now}||ORU^R01^ORU_R01|{control_id}|P|2.5|||AL|NE|FRA"
        f"|UNICODE UTF-8|FR\r"
        f"PID|1||{patient.ipp}^^^HEX&1.2.250.1.999.1&ISO^PI||{patient.name}^^^^^L"
        f"||{patient.born}|{patient.sex}\r"
        f"PV1|1|I|{ward}^12^A^HEX||||||||||||||||2604{order}^^^HEX^VN\r"
        f"ORC|RE|{order}^HIS|{order}^SIL\r"
        f"OBR|1|{order}^HIS|{order}^SIL|24323-8^Bilan métabolique^LN|||{now}|||||||||"
        f"10001234567^Guérin^Édouard^^^Dr||||||{now}||CH|{status}\r{obx}{nte}"
    ).encode()


def admission(control_id: str, patient: Patient, *, ward: str) -> bytes:
    """An ADT^A01: where the patient is from now on."""
    now = datetime.now().astimezone().strftime("%Y%m%d%H%M%S%z")
    return (
        f"MSH|^~\\&|GAM|HIS|WARDLINE|HEX|{now}||ADT^A01^ADT_A01|{control_id}|P|2.5||||||"
        f"UNICODE UTF-8\rEVN||{now}\r"
        f"PID|1||{patient.ipp}^^^HEX&1.2.250.1.999.1&ISO^PI||{patient.name}^^^^^L"
        f"||{patient.born}|{patient.sex}\rPV1|1|I|{ward}^3^B^HEX\r"
    ).encode()
