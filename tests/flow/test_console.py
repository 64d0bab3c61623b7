"""People at the console: what each may see and do, and what stays behind of it."""

from __future__ import annotations

import io
import json
import re
import wave
from dataclasses import replace

import pytest

from gateway import dictation
from gateway.asterisk.ivr.house import Spoken
from gateway.delivery import Step
from gateway.inbox import Door
from gateway.message import Kind, Message
from gateway.notice import Notice
from gateway.router import Mode
from gateway.web.pages import MENU
from gateway.web.rights import Right
from printers import code
from tests.flow.browsing import LAB, PETIT, PINS, ROUX, Site
from tests.flow.conftest import Sample


def wave_file(seconds):
    """A sound as Asterisk records it."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(bytes(range(250)) * (64 * seconds))
    return file.getvalue()


CALLS = (Step(by="call", within=60.0, to="ward"), Step(by="courier"))


@pytest.fixture
def site(tmp_path):
    site = Site(calls=CALLS, mode=Mode.DIRECT).open(path=str(tmp_path / "w.db"))
    yield site
    site.close()


@pytest.fixture
def critical(site, potassium):
    """A critical potassium that came out in cardiology, and its message's number."""
    site.receives(site.sample(analytes=potassium("6.8", "HH")))
    site.after(seconds=20)
    return site.accepted[-1].message_id


# -- coming in


def test_nobody_sees_anything_before_they_have_logged_in(site):
    for route in site.routes:
        address = re.sub(r"<[^>]*>", "1", route.address)
        if route.method == "GET" and not address.startswith("/static"):
            browser = site.browser().opens(address)
            assert "Code personnel" in browser.text, address


def test_a_wrong_pin_opens_nothing_and_says_no_more_than_refused(site):
    wrong = site.browser().logs_in(LAB, "000000")
    nobody = site.browser().logs_in(replace(LAB, code="9999"), "000000")
    assert (wrong.status, nobody.status) == (403, 403)
    assert wrong.text == nobody.text
    assert "Refusé" in wrong.text
    assert not wrong.cookie


def test_five_wrong_pins_close_the_console_there_and_no_telephone(site):
    for _ in range(5):
        site.browser().logs_in(ROUX, "000000")
    assert site.browser().logs_in(ROUX).status == 403
    assert site.do(site.house.access.person(ROUX.code, PINS[ROUX], line=ROUX.phone)) == ROUX
    site.after(seconds=901)
    assert site.browser().logs_in(ROUX).status == 200


def test_the_cookie_is_new_at_login_and_for_this_console_alone(site):
    browser = site.browser()
    browser.cookie = "__Host-wardline=" + "a" * 43
    browser.logs_in(LAB)
    first = browser.cookie
    assert "a" * 43 not in first
    browser.logs_in(LAB)
    again = site.browser(LAB)
    assert again.cookie != first


def test_what_the_cookie_may_do_is_said_with_it(site):
    said = site.browser(LAB).given
    for word in ("HttpOnly", "SameSite=Strict", "Secure", "Path=/"):
        assert word in said.split("; ")


def test_a_session_ends_when_nobody_does_anything_whatever_the_page_does_by_itself(site):
    browser = site.browser(LAB)
    for _ in range(3):
        site.after(seconds=400)
        browser.opens("/?again")
    assert "Code personnel" in browser.text

    awake = site.browser(LAB)
    for _ in range(3):
        site.after(seconds=400)
        awake.opens("/")
    assert "PLATEFORME" in awake.text


def test_who_has_logged_out_is_out(site):
    browser = site.browser(LAB)
    before = browser.cookie
    browser.sends("/logout")
    browser.cookie = before
    assert "Code personnel" in browser.opens("/").text


# -- forms


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://elsewhere.test"}, {"Origin": "null"}, {"Origin": None},
     {"Sec-Fetch-Site": "cross-site"}, {"Content-Type": "text/plain"}],
)  # fmt: skip
def test_a_form_from_elsewhere_does_nothing(site, critical, headers):
    browser = site.browser(LAB).opens(f"/messages/{critical}")
    browser.headers |= headers
    browser.sends(f"/messages/{critical}/acknowledge", name="Mme Roy", pin=PINS[LAB], value0="6.8")
    assert browser.status in (403, 415)
    assert site.do(site.store.acknowledgements([critical])) == []


def test_a_form_without_its_token_does_nothing(site, critical):
    browser = site.browser(LAB).opens(f"/messages/{critical}")
    other = browser.token(f"/messages/{critical}/copy")
    for token in ("", "x.y", other, "é.é"):
        browser.sends(f"/messages/{critical}/acknowledge", token=token, name="X", pin=PINS[LAB])
        assert browser.status == 403
    assert site.do(site.store.acknowledgements([critical])) == []


def test_a_form_that_is_sent_twice_is_done_once(site, critical):
    browser = site.browser(LAB).opens(f"/messages/{critical}")
    token = browser.token(f"/messages/{critical}/acknowledge")
    for _ in range(2):
        browser.sends(
            f"/messages/{critical}/acknowledge", token=token, name="Mme Roy", pin=PINS[LAB]
        )
        assert browser.status == 200
    assert len(site.do(site.store.acknowledgements([critical]))) == 1


# -- the worklist


def test_the_laboratory_calls_has_it_read_back_and_writes_it_down(site, critical):
    browser = site.browser(LAB).opens("/worklist")
    assert "Cardiologie" in browser.text
    browser.opens(f"/messages/{critical}")
    assert "6.8" in browser.text
    assert "LEFÈBVRE" in browser.text
    assert "Affiché le" in browser.text, "nobody printed what is on a screen"
    assert "Imprimé le" not in browser.text

    browser.sends(
        f"/messages/{critical}/acknowledge", name="Mme Roy", person="", value0="6,8", pin=PINS[LAB]
    )

    (said,) = site.do(site.store.acknowledgements([critical]))
    assert (said.name, said.via, said.read_back, said.keyed) == ("Mme Roy", "desk", "ok", ("6,8",))
    assert "acquitté" in browser.text
    assert "Chaque résultat critique est acquitté" in browser.opens("/worklist").text


def test_another_value_than_the_slips_is_not_taken(site, critical):
    browser = site.browser(LAB).opens(f"/messages/{critical}")
    browser.sends(f"/messages/{critical}/acknowledge", name="Mme Roy", value0="8.6", pin=PINS[LAB])
    assert browser.status == 400
    assert site.do(site.store.acknowledgements([critical])) == []


def test_a_wrong_pin_writes_nothing_down(site, critical):
    browser = site.browser(LAB).opens(f"/messages/{critical}")
    browser.sends(f"/messages/{critical}/acknowledge", name="Mme Roy", pin="111111")
    assert browser.status == 403
    assert site.do(site.store.acknowledgements([critical])) == []


def test_a_ward_says_it_for_itself_and_reads_the_value_back(site, critical):
    browser = site.browser(ROUX).opens(f"/messages/{critical}")
    browser.sends(
        f"/messages/{critical}/acknowledge", name="somebody else", value0="", pin=PINS[ROUX]
    )
    assert browser.status == 400
    browser.opens(f"/messages/{critical}")
    browser.sends(
        f"/messages/{critical}/acknowledge", name="somebody else", value0="6.8", pin=PINS[ROUX]
    )
    (said,) = site.do(site.store.acknowledgements([critical]))
    assert (said.name, said.person, said.via) == (ROUX.name, ROUX.code, "console")


def test_an_acknowledgement_ends_the_calls(site, critical):
    assert site.do(site.store.unacknowledged(since=0))
    browser = site.browser(LAB).opens(f"/messages/{critical}")
    browser.sends(f"/messages/{critical}/acknowledge", name="Mme Roy", pin=PINS[LAB])
    site.after(seconds=5)
    calls = [o for o in site.outcomes() if " call " in o]
    assert calls == ["CARD call delivered"]


# -- wards


def test_a_nurse_of_one_ward_sees_nothing_of_another(site, critical):
    nurse = site.browser(PETIT)
    assert "Chaque résultat critique est acquitté" in nurse.opens("/worklist").text
    assert nurse.opens(f"/messages/{critical}").status == 404
    there = nurse.text
    assert nurse.opens("/messages/4711").text == there, "whether it exists is none of her business"
    assert "LEFÈBVRE" not in there


def test_whoever_lies_in_a_ward_now_is_that_wards_business(site, critical):
    moved = (
        "MSH|^~\\&|ADT|H|W|H|20240803110500||ADT^A02|M1|P|2.5||||||UNICODE UTF-8\r"
        "PID|1||69102274^^^H^PI||LEFÈBVRE^Éloïse||19530422|F\rPV1|1|I|NEURO^1^B\r"
    )
    site.receives(moved.encode())
    nurse = site.browser(PETIT).opens(f"/messages/{critical}")
    assert nurse.status == 200
    assert "LEFÈBVRE" in nurse.text


# -- copies


def test_a_copy_says_that_it_is_one(site, critical):
    before = len(site.paper())
    browser = site.browser(ROUX).opens(f"/messages/{critical}")
    browser.sends(f"/messages/{critical}/copy", ward="CARD", pin=PINS[ROUX])
    site.after(seconds=10)
    assert len(site.paper()) == before + 1
    assert "DUPLICATA" in site.paper()[-1]


def test_a_copy_goes_to_wards_of_ones_own_only(site, critical):
    browser = site.browser(ROUX).opens(f"/messages/{critical}")
    browser.sends(f"/messages/{critical}/copy", ward="NEURO", pin=PINS[ROUX])
    assert browser.status == 400


# -- what stays behind


def test_every_look_at_a_patients_page_is_written_down(site, critical):
    site.browser(LAB).opens(f"/messages/{critical}")
    site.browser(PETIT).opens(f"/messages/{critical}")
    assert site.journal("looked") == [
        f'{{"message":{critical},"page":"message","person":"{LAB.code}"}}',
        f'{{"message":{critical},"page":"refused","person":"{PETIT.code}"}}',
    ]


def test_every_page_is_guarded(site, critical):
    browser = site.browser(LAB)
    for address in ("/", "/worklist", f"/messages/{critical}", "/nowhere", "/messages/999"):
        said = browser.opens(address).answer
        assert said["cache-control"] == "no-store"
        assert said["x-content-type-options"] == "nosniff"
        assert "default-src 'self'" in said["content-security-policy"]
        assert "frame-ancestors 'none'" in said["content-security-policy"]
        assert "unsafe" not in said["content-security-policy"]
        assert said["referrer-policy"] == "same-origin"


def test_it_speaks_what_the_browser_asks_for_and_else_the_sites_language(site):
    assert "PLATEFORME" in site.browser(LAB).text
    english = site.browser(LAB, **{"Accept-Language": "en-GB,en;q=0.9"})
    assert "PLATFORM" in english.text
    assert english.answer["content-language"] == "en"


HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(1)>\u202e{{ 7*7 }}'


def test_whatever_a_sender_wrote_is_text(site):
    for sample in (
        Sample("H1", family=HOSTILE),
        Sample("H2", analytes=((HOSTILE, "4.1", HOSTILE, "H"),)),
    ):
        assert site.receives(sample) == "AA"
        site.after(seconds=10)
        browser = site.browser(LAB).opens(f"/messages/{site.accepted[-1].message_id}")
        assert browser.status == 200
        assert "<script" not in browser.page
        assert "<img" not in browser.page
        assert "\u202e" not in browser.page
        assert "alert(1)" in browser.text
        assert "{{ 7*7 }}" in browser.text


# -- what nobody vouches for


@pytest.fixture
def kept(site):
    """A mail that waits for a person: its message's number."""
    mail = Message(
        control_id="<1@elsewhere>", sender="dr@elsewhere", type="MAIL", kind=Kind.DOCUMENT,
        notes=("Bonjour",),
    )  # fmt: skip
    door = Door(intake="mail", mode=Mode.DIRECT)
    raw = Notice(topic="alarm", detail={"alarm": "x", "subject": "", "reason": ""}).raw()
    taken = site.inbox.take(
        mail, raw, format="notice", door=door, peer="192.0.2.7", wards=("CARD",),
        held="unknown sender",
    )  # fmt: skip
    return site.do(taken).message_id


def test_a_technician_lets_a_held_mail_through(site, kept):
    site.after(seconds=30)
    assert site.paper() == []
    browser = site.browser(LAB).opens("/held")
    assert "dr@elsewhere" in browser.text
    assert "192.0.2.7" in browser.text

    browser.opens(f"/messages/{kept}").sends(f"/held/{kept}", word="let", reason="", pin=PINS[LAB])

    assert "Rien n'attend" in browser.text
    site.after(seconds=10)
    assert len(site.paper()) == 1
    (said,) = site.journal("let through")
    assert f"{LAB.name} ({LAB.code})" in said


def test_keeping_it_out_takes_a_reason(site, kept):
    browser = site.browser(LAB).opens(f"/messages/{kept}")
    browser.sends(f"/held/{kept}", word="refuse", reason="", pin=PINS[LAB])
    assert browser.status == 400
    browser.opens(f"/messages/{kept}")
    browser.sends(f"/held/{kept}", word="refuse", reason="inconnu au téléphone", pin=PINS[LAB])
    assert "Rien n'attend" in browser.text
    site.after(seconds=30)
    assert site.paper() == []
    assert json.loads(site.journal("kept out")[0])["reason"] == "inconnu au téléphone"


def test_what_is_held_is_judged_once_and_by_the_laboratory_only(site, kept):
    first = site.browser(LAB).opens(f"/messages/{kept}")
    second = site.browser(LAB).opens(f"/messages/{kept}")
    first.sends(f"/held/{kept}", word="let", reason="", pin=PINS[LAB])
    second.sends(f"/held/{kept}", word="refuse", reason="non", pin=PINS[LAB])
    assert second.status == 409


def test_a_ward_does_not_see_what_waits_for_it(site, kept):
    nurse = site.browser(ROUX)
    assert nurse.opens("/held").status == 403
    assert nurse.opens(f"/messages/{kept}").status == 404


# -- dictations

SOUND = wave_file(seconds=2)


@pytest.fixture
def dictated(site):
    """What somebody dictated for a ward: its message's number."""

    def keep(what="order", ward="CARD"):
        sound = site.path.with_name("sound.wav")
        sound.write_bytes(SOUND)
        spoken = Spoken(
            what=what, person="Dr Roux (4711)", ward=ward, language="fr", caller="2222", sound=sound
        )
        site.do(dictation.keep(site.inbox, spoken))
        return site.store.messages()[-1]["id"]

    return keep


def test_a_dictation_is_heard_in_the_console_as_a_player_asks_for_it(site, dictated):
    number = dictated()
    browser = site.browser(ROUX).opens("/dictations")
    assert "Dr Roux (4711)" in browser.text
    assert "2 s" in browser.text
    assert f'src="/dictations/{number}/sound"' in browser.page
    assert browser.opens(f"/dictations/{number}/sound").body == SOUND
    assert browser.answer["accept-ranges"] == "bytes"
    for asked, status, body in (
        ("bytes=0-", 206, SOUND), ("bytes=100-199", 206, SOUND[100:200]),
        ("bytes=-10", 206, SOUND[-10:]), (f"bytes={len(SOUND)}-", 416, b""),
        ("bytes=0-1,5-6", 200, SOUND), ("bytes=-", 200, SOUND), ("lines=1-2", 200, SOUND),
    ):  # fmt: skip
        browser.opens(f"/dictations/{number}/sound", Range=asked)
        assert (browser.status, browser.body) == (status, body), asked
    assert any("dictation" in said for said in site.journal("looked"))


def test_another_ward_and_reasons_for_breaking_the_glass_are_not_heard(site, dictated):
    order, reason = dictated(), dictated("break glass", "")
    nurse = site.browser(PETIT).opens("/dictations")
    assert "Personne n'a rien dicté" in nurse.text
    assert nurse.opens(f"/dictations/{order}/sound").status == 404
    assert site.browser(ROUX).opens(f"/dictations/{reason}/sound").status == 404
    assert site.browser(LAB).opens(f"/dictations/{reason}/sound").status == 200


# -- looking for a message


def test_a_message_is_found_by_whatever_somebody_has_in_their_hand(site, critical):
    browser = site.browser(LAB).opens("/messages")
    (delivery,) = [d for d in site.store.messages()[0]["deliveries"] if d["slip"]]
    page = f"/messages/{critical}"
    for asked, ward in (
        (code.make(delivery["id"]), ""),
        (str(delivery["slip"]), "CARD"),
        ("n° 1", "CARD"),
    ):
        browser.opens("/messages").sends("/messages", asked=asked, ward=ward)
        assert f'action="{page}/acknowledge"' in browser.page, asked
    for asked in ("A00001", "69102274"):
        browser.opens("/messages").sends("/messages", asked=asked)
        assert f'href="{page}"' in browser.page, asked
    browser.opens("/messages").sends("/messages", asked="", ward="CARD", day="2024-08-03")
    assert f'href="{page}"' in browser.page
    for nothing in (
        {"asked": "nobody"}, {"asked": "9", "ward": "CARD"}, {"ward": "NEURO", "day": "2024-08-03"},
        {"day": "2024-08-02"},
    ):  # fmt: skip
        browser.opens("/messages").sends("/messages", **({"asked": "", "ward": ""} | nothing))
        assert "Rien n'a été trouvé" in browser.text, nothing


def test_another_wards_messages_are_not_found(site, critical):
    nurse = site.browser(PETIT).opens("/messages")
    assert "Rien n'a été trouvé" in nurse.text
    for fields in (
        {"asked": "A00001"},
        {"asked": "69102274"},
        {"ward": "CARD", "day": "2024-08-03"},
    ):
        nurse.opens("/messages").sends("/messages", **fields)
        assert "Rien n'a été trouvé" in nurse.text, fields


def test_what_is_looked_for_never_stands_in_an_address_nor_in_the_journal(site, critical):
    browser = site.browser(LAB).opens("/messages").sends("/messages", asked="69102274")
    assert "69102274" not in re.sub(r'value="[^"]*"', "", browser.page)
    assert not any("69102274" in said for said in site.journal("looked"))


def test_a_result_that_was_replaced_says_so_and_cannot_be_acknowledged(site, critical, potassium):
    form = site.browser(LAB).opens(f"/messages/{critical}")
    site.receives(site.sample(analytes=potassium("4.1"), status="C"))
    newer = site.accepted[-1].message_id
    browser = site.browser(LAB).opens(f"/messages/{critical}")
    assert "a été remplacé" in browser.text
    assert f'href="/messages/{newer}"' in browser.page
    assert "/acknowledge" not in browser.page
    form.sends(f"/messages/{critical}/acknowledge", name="Mme Roy", value0="6.8", pin=PINS[LAB])
    assert form.status == 409


# -- outages


def test_two_persons_declare_the_platform_down_and_back(site):
    browser = site.browser(ROUX).opens("/outages")
    for second, pin in ((ROUX, PINS[ROUX]), (LAB, PINS[LAB]), (PETIT, "000000")):
        browser.opens("/outages").sends(
            "/outages", word="begin", reason="serveur", pin=PINS[ROUX], code2=second.code, pin2=pin
        )
        assert browser.status == 403, second
    assert site.desk.current is None

    browser.opens("/outages").sends(
        "/outages",
        word="begin",
        reason="serveur",
        pin=PINS[ROUX],
        code2=PETIT.code,
        pin2=PINS[PETIT],
    )
    assert "PLATEFORME EN PANNE" in browser.text
    assert "serveur" in browser.text
    assert f"{ROUX.name}, {PETIT.name}" in browser.text
    site.after(seconds=5)
    assert len(site.notices()) == 1

    browser.opens("/outages").sends(
        "/outages", word="end", reason="réparé", pin=PINS[ROUX], code2=PETIT.code, pin2=PINS[PETIT]
    )
    assert site.desk.current is None


def test_the_report_of_an_outage_is_a_file(site):
    site.do(site.house.hands.said("outage begin", by="x", reason="essai"))
    browser = site.browser(LAB).opens("/outages")
    assert 'href="/outages/1/report.pdf"' in browser.page
    assert (
        browser.opens("/outages/1/report.json")
        .answer["content-disposition"]
        .startswith("attachment")
    )
    assert json.loads(browser.body)["outage"]["reason"] == "essai"
    assert browser.opens("/outages/1/report.csv").status == 200
    assert browser.opens("/outages/1/report.pdf").body.startswith(b"%PDF")
    assert browser.opens("/outages/2/report.pdf").status == 404
    assert browser.opens("/outages/1/report.exe").status == 404
    assert site.browser(ROUX).opens("/outages/1/report.json").status == 403


def test_a_ward_asks_for_its_last_results(site):
    browser = site.browser(PETIT).opens("/outages").sends("/packs", ward="NEURO")
    assert browser.status == 200
    site.after(seconds=10)
    assert len(site.paper(at="neuro-slip")) == 1
    assert browser.opens("/outages").sends("/packs", ward="CARD").status == 400


# -- the journal


def test_the_journal_is_proved_and_shows_ids_only(site, critical):
    browser = site.browser(LAB).opens("/journal")
    assert f'href="/messages/{critical}"' in browser.page
    assert "LEFÈBVRE" not in browser.text
    browser.sends("/journal")
    assert "aucune altérée" in browser.text


# -- roles

ALLOWED = {
    "lab": {"/", "/worklist", "/held", "/dictations", "/messages", "/outages", "/journal"},
    "clinician": {"/", "/worklist", "/dictations", "/messages", "/outages"},
    "switchboard": {"/", "/outages"},
    "nobody": {"/"},
}


@pytest.mark.parametrize("role", ALLOWED)
def test_each_sees_the_pages_that_are_for_them_and_no_others(site, role):
    person = {
        "lab": LAB, "clinician": replace(ROUX, roles=("clinician",)),
        "switchboard": replace(PETIT, wards=()), "nobody": replace(PETIT, wards=(), roles=("clinician",)),
    }[role]  # fmt: skip
    browser = site.browser()
    browser.cookie = f"__Host-wardline={site.sessions.begin(person)[0]}"
    seen = {address for address, _, _ in MENU if browser.opens(address).status == 200}
    assert seen == ALLOWED[role]
    browser.opens("/")
    assert set(re.findall(r'<li><a href="([^"]*)"', browser.page)) == ALLOWED[role]


def test_a_form_of_somebody_elses_page_is_refused_by_the_right_alone(site, kept):
    nobody = site.browser()
    nobody.cookie = f"__Host-wardline={site.sessions.begin(replace(PETIT, wards=()))[0]}"
    for route in site.routes:
        if route.method == "POST" and route.right in (Right.LAB, Right.WARD):
            address = re.sub(r"<[^>]*>", str(kept), route.address)
            assert nobody.sends(address, token="x").status == 403, address
