"""The results a laboratory sends under load: French, fictive, each with its own patient and number."""

from __future__ import annotations

#: Names with everything that French laboratories send; the number in the given name tells them apart.
_FAMILIES = (
    "LEFÈBVRE-ŒUVRARD",
    "GARÇON",
    "NGUYỄN",
    "BOËDEC",
    "ŁUKASIEWICZ",
    "D'HÉROUVILLE",
    "PEÑA",
)

_ANALYTES = (
    ("2951-2", "Sodium", "139", "mmol/L", "136-145", ""),
    ("2823-3", "Potassium", "{potassium}", "mmol/L", "3.5-5.1", "{flag}"),
    ("2075-0", "Chlorures", "104", "mmol/L", "98-107", ""),
    ("1963-8", "Bicarbonates", "24", "mmol/L", "22-29", ""),
    ("14682-9", "Créatinine", "84", "µmol/L", "59-104", ""),
    ("22664-7", "Urée", "6.1", "mmol/L", "2.8-8.1", ""),
    ("14749-6", "Glucose à jeun", "5.4", "mmol/L", "3.9-5.8", ""),
    ("2000-8", "Calcium", "2.31", "mmol/L", "2.20-2.55", ""),
    ("1988-5", "Protéine C réactive", "48", "mg/L", "< 5", "H"),
    ("718-7", "Hémoglobine", "128", "g/L", "130-170", "L"),
    ("6690-2", "Leucocytes", "11.2", "10*9/L", "4.0-10.0", "H"),
    ("777-3", "Plaquettes", "241", "10*9/L", "150-400", ""),
    ("1742-6", "Alanine-aminotransférase", "31", "UI/L", "< 45", ""),
    ("1920-8", "Aspartate-aminotransférase", "28", "UI/L", "< 35", ""),
)


#: Numbers from here on are filled into a store, not sent.
FILLED = 90_000_000


def order(number: int) -> str:
    """The order number of message `number`: it stands on the slip, and nothing else looks like it."""
    return f"BX{number:08d}"


def _template(analytes: tuple[tuple[str, ...], ...], *, note: str) -> str:
    obx = "".join(
        f"OBX|{i}|NM|{code}^{name}^LN||{value}|{unit}|{reference}|{flag}|||F|||20261123104500+0100\r"
        for i, (code, name, value, unit, reference, flag) in enumerate(analytes, 1)
    )
    nte = f"NTE|1|L|{note}\r" if note else ""
    return (
        "MSH|^~\\&|SIL|LABO|WARDLINE|HEX|20261123104512+0100||ORU^R01^ORU_R01|{control}|P|2.5|||AL|NE"
        "|FRA|UNICODE UTF-8|FR\r"
        "PID|1||{ipp}^^^HEX&1.2.250.1.999.1&ISO^PI||{family}^{given}^^^^^L||19530422|F\r"
        "PV1|1|I|{ward}^12^A^HEX||||||||||||||||{nda}^^^HEX^VN\r"
        "ORC|RE|{order}^HIS|{order}^SIL\r"
        "OBR|1|{order}^HIS|{order}^SIL|24323-8^Bilan métabolique^LN|||20261123101200+0100"
        "|||||||||10001234567^Guérin^Édouard^^^Dr||||||20261123104500+0100||CH|F\r" + obx + nte
    )


_LONG = _template(
    (*_ANALYTES, ("3255-7", "Fibrinogène", "3.4", "g/L", "2.0-4.0", "")),
    note="Prélèvement non hémolysé, contrôlé. À l'attention de l'interne de garde du secteur A, "
    "prière de rappeler le laboratoire au 4242 si le résultat ne concorde pas avec la clinique. "
    "Valeurs validées par Dr Édouard Guérin, biologiste médical",
)
_SHORT = (
    "MSH|^~\\&|LAB|MAIN|HIS|HOSP|202611231045||ORU^R01|{control}|P|2.3\r"
    "PID|1||{ipp}^^^HOSP^PI||DOE^JANE||19530422|F\r"
    "PV1|1|I|{ward}^12^A\r"
    "OBR|1|{order}|{order}|24323-8^Metabolic panel^LN|||202611231012\r"
    + "".join(
        f"OBX|{n}|NM|{2900 + n}-1^Analyte {n}^LN||{n}.4|mmol/L|3.5-5.1|N|||F\r"
        for n in range(1, 21)
    )
)


def result(number: int, *, ward: str = "W000", critical: bool = False) -> bytes:
    """An ORU^R01 of 2.0 kB in UTF-8, fifteen analytes; its own patient, order and control id."""
    return _filled(_LONG, number, ward=ward, critical=critical).encode()


def panel(number: int, *, ward: str = "W000") -> bytes:
    """An ORU^R01 of 1.4 kB, plain ASCII, twenty short OBX: the size at which readers are compared."""
    return _filled(_SHORT, number, ward=ward, critical=False).encode()


def _filled(template: str, number: int, *, ward: str, critical: bool) -> str:
    return template.format(
        control=f"B{number:08d}",
        ipp=f"6{number:08d}",
        family=_FAMILIES[number % len(_FAMILIES)],
        given=f"Éloïse-{number}",
        ward=ward,
        nda=f"26{number:08d}",
        order=order(number),
        potassium="6.8" if critical else "4.2",
        flag="HH" if critical else "",
    )
