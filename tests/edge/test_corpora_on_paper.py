"""Every message of the corpora that can be read comes out on a slip that says all of it."""

import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.errors import Rejected
from gateway.hl7 import read, split
from gateway.message import Kind
from gateway.render import Printed, earlier_values, render
from printers.layout import lay_out
from tests.unit.render.samples import banners, context, rows, text

BREAK = re.compile("\r\n|[\n\r\u2028\u2029]")
FOLDERS = ("hl7", "own/fr-hl7", "own/hl7-torture")


@pytest.fixture(scope="module")
def corpora():
    where = os.environ.get("WARDLINE_CORPORA")
    if not where:
        pytest.skip("WARDLINE_CORPORA names no folder: the corpora are not part of the project")
    return Path(where)


def messages_in(corpora):
    for folder in FOLDERS:
        for path in sorted((corpora / folder).rglob("*")):
            if path.is_file():
                for raw in split(path.read_bytes().strip()).messages:
                    try:
                        yield path.name, read(raw)
                    except Rejected:
                        continue


def told(message):
    if message.patient is not None:
        yield from (message.patient.family, message.patient.given, message.patient.nda)
    for group in message.groups:
        yield from (group.name or group.code, group.placer, group.filler, *group.notes)
        for observation in group.observations:
            yield from (observation.name or observation.code, *observation.notes)
            if observation.attachment is None:
                yield from (observation.value, observation.unit, observation.reference)


def flat(words):
    return BREAK.sub("·", words)


def test_every_readable_message_comes_out_whole(corpora):
    count = 0
    for name, message in messages_in(corpora):
        slip = render(message, context())
        lay_out(slip, 48)
        found = flat(text(slip))
        if "SUITE —" not in found:
            lost = [x for x in told(message) if flat(x.strip()).strip("·")[:100] not in found]
            assert not lost, name
        count += 1
    assert count > 500


def sample(corpora, name):
    return read((corpora / "own/fr-hl7" / name).read_bytes())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("oru_critical", ["CRITIQUE", "Protéine C réactive", "0.7", "69102274"]),
        (
            "oru_microbio_parent_child",
            ["Antibiogramme — Escherichia coli", ">= 32", "Amoxicilline"],
        ),
        ("oru_ed_pdf", ["document PDF joint", "demander au laboratoire"]),
        ("oru_ed_bad_base64", ["document illisible"]),
        ("oru_status_P", ["PROVISOIRE"]),
        ("oru_status_I", ["EN ATTENTE"]),
        ("oru_status_X", ["ANNULÉ (non rendu)"]),
        ("oru_status_D", ["RÉSULTAT ANNULÉ"]),
        ("oru_status_W", ["RÉSULTAT ANNULÉ", "mauvais patient"]),
        ("oru_status_C", ["CORRECTION"]),
        ("oru_test_T", ["EXERCICE", "MESSAGE DE TEST — PAS UN RÉSULTAT"]),
        ("oru_debug_D", ["EXERCICE", "MESSAGE DE TEST — PAS UN RÉSULTAT"]),
        ("oru_latin1_lies_utf8", ["Caractères douteux"]),
        ("oml_NW", ["NOUVELLE DEMANDE", "URGENT"]),
        ("orm_CA", ["ANNULATION"]),
        ("oml_SC", ["CHANGEMENT DE STATUT"]),
    ],
)
def test_what_a_french_message_is_about_stands_on_its_slip(corpora, name, words):
    found = text(render(sample(corpora, f"{name}.hl7"), context()))
    assert [word for word in words if word not in found] == []


def test_twenty_values_of_five_orders_stand_on_one_slip(corpora):
    assert len(rows(render(sample(corpora, "oru_multi_obr.hl7"), context()))) == 20


def test_a_chain_of_messages_recalls_its_own_slips(corpora):
    at = datetime(2026, 8, 3, 7, tzinfo=UTC).timestamp()
    first, third = sample(corpora, "seq1_prelim.hl7"), sample(corpora, "seq3_corrected.hl7")
    earlier = [Printed(message=first, slip=38, ward="Cardiologie", at=at)]
    found = render(third, context(), corrections=earlier_values(earlier))
    assert third.kind is Kind.RESULT
    assert "CORRECTION" in banners(found)
    assert "Corrige la fiche n° 0038 du 03/08 09:00" in text(found)
