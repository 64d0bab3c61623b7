"""Small messages and circumstances for the tests of slips."""

from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.message import (
    Flag,
    Group,
    Identifier,
    Kind,
    Location,
    Message,
    Observation,
    Patient,
    Status,
)
from gateway.render import Context, Printed
from printers.slip import Banner, Code, Heading, Pair, Row, Text


def at(text):
    """A moment on a Paris wall, as seconds UTC."""
    wall = datetime.strptime(text, "%d/%m/%Y %H:%M").replace(tzinfo=ZoneInfo("Europe/Paris"))
    return wall.timestamp()


def context(**fields):
    return Context(
        **{
            "site_code": "HEX",
            "site_name": "Hôpital Exemple",
            "ward_code": "CARD",
            "ward_name": "Cardiologie",
            "received_at": at("03/08/2026 11:20"),
            "printed_at": at("03/08/2026 11:21"),
            "number": 42,
            **fields,
        }
    )


def patient(**fields):
    return Patient(
        **{
            "family": "DURAND",
            "given": "Noémie",
            "birth_date": "19610214",
            "sex": "F",
            "ipp": "69102274",
            "nda": "4071787",
            **fields,
        }
    )


def observation(value="4.1", **fields):
    return Observation(
        **{
            "code": "2823-3",
            "name": "Potassium",
            "value": value,
            "unit": "mmol/L",
            "reference": "3.5-5.1",
            **fields,
        }
    )


def potassium(value="6.8", **fields):
    return observation(value, **{"flag": Flag.CRITICAL_HIGH, "flag_text": "HH", **fields})


def group(*observations, **fields):
    return Group(
        **{
            "placer": "7360739",
            "filler": "7499972609",
            "code": "24323-8",
            "name": "Bilan métabolique",
            "collected_at": "202608031055",
            "status": Status.FINAL,
            "observations": observations,
            **fields,
        }
    )


def message(*groups, **fields):
    return Message(
        **{
            "control_id": "A00040",
            "sender": "SIL|LABO",
            "type": "ORU^R01",
            "kind": Kind.RESULT,
            "patient": patient(),
            "location": Location(unit="CARD", room="214", bed="A"),
            "groups": groups,
            **fields,
        }
    )


def result(*observations, **fields):
    return message(group(*observations), **fields)


def order(control="NW", **fields):
    return message(group(control=control, **fields), kind=Kind.ORDER, type="ORM^O01")


def printed(earlier, slip=38, ward="Cardiologie", moment="03/08/2026 09:02"):
    return Printed(message=earlier, slip=slip, ward=ward, at=at(moment))


def ins(value):
    return Identifier(value=value, kind="INS", authority="ASIP-SANTE-INS-NIR")


def blocks(slip):
    return (*slip.header, *slip.body, *slip.footer)


def banners(slip):
    return [block.text for block in blocks(slip) if isinstance(block, Banner)]


def rows(slip):
    return [block for block in blocks(slip) if isinstance(block, Row)]


def pairs(slip):
    return {block.label: block.value for block in blocks(slip) if isinstance(block, Pair)}


def text(slip):
    """Every word that stands on it."""
    return "\n".join(filter(None, map(_words, blocks(slip))))


def _words(block):
    match block:
        case Heading() | Banner() | Text():
            return block.text
        case Pair():
            return f"{block.label} {block.value}"
        case Row():
            parts = (block.name, block.status, block.previous, block.value)
            return " ".join((*parts, block.unit, block.reference, block.mark))
        case Code():
            return f"{block.data} {block.caption}"
        case _:
            return ""
