"""What is gathered for one attempt depends on the paper it comes out on."""

import base64
from types import SimpleNamespace

import pytest
from twisted.internet.defer import succeed

from gateway.compose import Composer, House
from gateway.delivery import Purpose, Step
from gateway.directory import Directory, Ward
from printers.slip import Enclosure, Row

NOW = 1_722_675_600.0  # 3 August 2024, 11:00 in Paris
PDF = b"%PDF-1.4 of a lab"


def oru(control_id, value, *, order, collected, document=b""):
    obx = f"OBX|1|NM|2823-3^Potassium^LN||{value}|mmol/L|3.5-5.1|HH|||F\r" if value else ""
    if document:
        data = base64.b64encode(document).decode()
        obx += f"OBX|2|ED|PDF^Compte rendu||^application^pdf^Base64^{data}||||||F\r"
    return (
        f"MSH|^~\\&|SIL|LABO|W|H|20240803110000||ORU^R01|{control_id}|P|2.5||||||UNICODE UTF-8\r"
        "PID|1||69102274^^^H^PI||DURAND^Noémie||19530422|F\r"
        f"OBR|1|P{order}|{order}|24323-8^Bilan|||{collected}\r{obx}"
    ).encode()


def stored(id, raw):
    return SimpleNamespace(
        id=id,
        raw=raw,
        format="hl7v2",
        intake="lab",
        control_id=str(id),
        sender="SIL|LABO",
        type="ORU^R01",
        refused="",
        received_at=NOW - 3600 + id,
        patient_key="69102274",
        reused=None,
        state="accepted",
    )


class Memory:
    """A store that knows one new message and what came before."""

    def __init__(self, new, *before):
        self.new, self.before = new, before
        self.asked = 0

    def content(self, number):
        return succeed(self.new)

    def latest(self, keys, *, since, limit=30):
        self.asked += 1
        assert keys == ["69102274"]
        return succeed([self.new, *self.before])

    def __getattr__(self, name):  # earlier orders, papers, gaps: there are none
        return lambda *args, **kwargs: succeed({} if name == "papers" else [])


async def composed(memory, device):
    ward = Ward(code="CARD", name="Cardiologie", devices=("slip", "page"))
    lab = Ward(code="LAB", name="Laboratoire", devices=("lab",))
    directory = Directory.of({"CARD": ward}, lab=lab, media={"page": "page", "slip": "slip"})
    house = House(code="HEX", name="Hôpital", language="fr", timezone="Europe/Paris")
    composer = Composer(memory, directory, house=house, clock=SimpleNamespace(now=lambda: NOW))
    row = SimpleNamespace(
        id=1,
        message_id=memory.new.id,
        to="CARD",
        at=Step(by=device),
        purpose=Purpose.WARD,
        reason="",
        doubtful=False,
        degraded=True,
    )
    return await composer.slip(row, SimpleNamespace(device=device, slip=42, reprint=0))


@pytest.fixture
def memory():
    new = stored(2, oru("B", "6.8", order="2", collected="202408031030", document=PDF))
    return Memory(new, stored(1, oru("A", "4.1", order="1", collected="202408020710")))


async def test_a_page_has_columns_of_earlier_values_and_what_came_inside_the_message(memory):
    slip = await composed(memory, "page")
    assert slip.history == ("02/08\n07:10",)
    (row,) = (block for block in slip.body if isinstance(block, Row))
    assert row.history == ("4.1 HH",)
    (enclosed,) = (block for block in slip.body if isinstance(block, Enclosure))
    assert enclosed.data == PDF


async def test_a_slip_has_no_room_for_either(memory):
    slip = await composed(memory, "slip")
    assert slip.history == ()
    assert not any(isinstance(block, Enclosure) for block in slip.body)
    assert memory.asked == 0


async def test_a_slip_prints_a_document_that_is_all_there_is():
    new = stored(2, oru("B", "", order="2", collected="202408031030", document=PDF))
    slip = await composed(Memory(new), "slip")
    assert any(isinstance(block, Enclosure) for block in slip.body)
