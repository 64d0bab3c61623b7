"""People at the console: what each may see and do, and what stays behind of it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from gateway.delivery import Step
from gateway.router import Mode
from tests.flow.browsing import LAB, PETIT, PINS, ROUX, Site
from tests.flow.conftest import Sample

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

    browser.sends(
        f"/messages/{critical}/acknowledge", name="Mme Roy", person="", value0="6,8", pin=PINS[LAB]
    )

    (said,) = site.do(site.store.acknowledgements([critical]))
    assert (said.name, said.via, said.read_back, said.keyed) == ("Mme Roy", "desk", "ok", ("6,8",))
    assert "acquitté" in browser.text
    assert "Tous les résultats critiques" in browser.opens("/worklist").text


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
    assert "Tous les résultats critiques" in nurse.opens("/worklist").text
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
