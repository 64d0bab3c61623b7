import pytest

from gateway.render import Device, Poison, Refusal, outage_began, outage_ended, poison, refusal
from gateway.render import test_page as page_for
from gateway.render.testpage import ACCENTS, CAPITALS, GREEK, SIGNS
from printers.layout import lay_out
from tests.unit.render.samples import at, banners, context, pairs, text

RAW = "MSH|^~\\&|SIL|LABO\rPID|1||69102274||Lecœur^Loïc".encode()


def refused(**fields):
    given = {"reason": "two patients in one message", "location": "PID", "raw": RAW, **fields}
    return refusal(Refusal(**given), context(ward_name="Laboratoire"))


def test_a_refusal_says_what_was_refused_and_why():
    found = refused(sender="SIL|LABO", peer="10.0.0.7", intake="lab", control_id="A1", code=101)
    assert "MESSAGE REFUSÉ" in banners(found)
    assert pairs(found)["Motif"] == "deux patients dans un message"
    assert pairs(found)["Endroit"] == "PID"
    assert pairs(found)["Émetteur"] == "SIL / LABO"
    assert pairs(found)["Venu de"] == "10.0.0.7 lab"
    assert pairs(found)["Message"] == "A1"
    assert pairs(found)["Sens"] == "un champ obligatoire manque"


def test_a_refusal_shows_how_the_message_began_segment_by_segment():
    assert "MSH|^~\\&|SIL|LABO\nPID|1||69102274||Lecœur^Loïc" in text(refused())


def test_a_refusal_reads_latin_bytes_too():
    assert "Lec?ur Zoé".replace("?", "œ") in text(refused(raw="Lecœur Zoé".encode("cp1252")))


def test_a_refusal_cut_within_a_character_is_still_read_as_it_is():
    raw = b"x" * 1199 + "é".encode() + b"rest"
    words = text(refused(raw=raw))
    assert "x" * 1199 + "\n" in words
    assert "Ã" not in words


@pytest.mark.parametrize("raw", [bytes(range(256)) * 40, b"\xff\xfeM\x00S\x00H\x00|\x00", b""])
def test_no_bytes_are_too_bad_to_be_refused_on_paper(raw):
    lay_out(refused(raw=raw), 48)


def test_a_refusal_of_nothing_says_that_it_was_empty():
    assert "(vide)" in text(refused(raw=b""))


def test_a_long_refused_message_is_cut_and_counted():
    words = text(refused(raw=b"A" * 5000))
    assert "… suite : 3800 octets" in words


def test_a_flood_of_refusals_is_announced_once():
    assert "viendront sans fiche" in text(refused(more=True))
    assert "viendront sans fiche" not in text(refused())


def test_the_outage_notice_says_since_when_what_to_do_and_whom_to_call():
    found = outage_began(context(degraded=True, outage_since=at("03/08/2026 11:07"), phone="4242"))
    assert banners(found) == ["MODE DÉGRADÉ depuis 11:07"]
    words = text(found)
    assert "Les numéros se suivent" in words
    assert "Appeler le laboratoire : 4242" in words


def test_the_outage_notice_speaks_english():
    found = outage_began(context(language="en", outage_since=at("03/08/2026 11:07")))
    assert banners(found) == ["DOWNTIME since 11:07"]
    assert "Ask the lab." in text(found)


def test_the_end_of_an_outage_is_dated_and_says_what_is_still_owed():
    found = outage_ended(context(), ended_at=at("03/08/2026 10:30"), held=12)
    assert banners(found) == ["FIN DU MODE DÉGRADÉ à 10:30"]
    assert "12 messages de la panne ne sont pas encore à l'écran." in text(found)
    assert "1 message de la panne n'est pas" in text(outage_ended(context(), ended_at=0.0, held=1))


def test_when_nothing_is_owed_nothing_is_said_of_it():
    assert "pas encore" not in text(outage_ended(context(), ended_at=0.0, held=0))


def test_a_message_that_cannot_be_laid_out_still_gets_somebody_to_ask_for_it():
    found = poison(
        Poison(reason="KeyError", control_id="A1", sender="SIL|LABO", message_id=17, kind="ORU"),
        context(phone="4242"),
    )
    assert "MESSAGE IMPOSSIBLE À IMPRIMER" in banners(found)
    assert pairs(found)["Message"] == "A1"
    assert pairs(found)["Gardé sous"] == "17"
    assert pairs(found)["Motif"] == "KeyError"
    assert "Appeler le laboratoire : 4242" in text(found)


def test_notices_in_a_drill_say_drill_first_and_last():
    for found in (refused(), outage_began(context(drill=True)), page_for(DEVICE, context())):
        if "EXERCICE" in banners(found):
            assert found.header[0].text == found.footer[-1].text == "EXERCICE"
    assert "EXERCICE" in banners(outage_began(context(drill=True)))


DEVICE = Device(name="cardio-slip", model="TM-T20II")


def test_the_test_page_shows_every_sign_a_slip_needs():
    words = text(page_for(DEVICE, context()))
    for signs in (ACCENTS, CAPITALS, SIGNS, GREEK):
        assert signs in words
    assert set("éàçœµ²³≥≤±°€βΩ") <= set(words)


@pytest.mark.parametrize("columns", [32, 42, 48, 64])
def test_the_ruler_is_as_wide_as_the_paper(columns):
    (page,) = lay_out(page_for(Device(name="x", columns=columns), context()), columns)
    ruler = next(line.text for line in page if getattr(line, "text", "").startswith("123456"))
    assert len(ruler) == columns


def test_a_test_page_is_no_result():
    assert "ESSAI D'IMPRIMANTE — PAS UN RÉSULTAT" in banners(page_for(DEVICE, context()))
