"""Faxes for real: two Asterisks, modems between them, pages compared dot by dot; nothing stands in for T.38.

A fax takes 20 s however fast the machine is, so all of them go at once and the tests look at what came of it.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from types import SimpleNamespace

import pytest
from PIL import Image, ImageDraw

from gateway.store.sqlite import SqliteStore
from tests.system import fax_machines as machines
from tests.system.fax_site import INWARD, FaxSite

pytestmark = pytest.mark.system

HEADER = 32  # rows that Asterisk puts on top of each page: who sends, when, which page
CRITICAL = (
    "BUSY",
    "RINGS",
    "VOICE",
    "SILENT",
    "CUT",
)  # these fail: the result goes on to the laboratory at once
WARDS = {
    "TEE": machines.T38,
    "SOUND": machines.SOUND,
    "NEW": machines.NEW,
    "BUSY": machines.BUSY,
    "RINGS": machines.RINGS,
    "VOICE": machines.VOICE,
    "SILENT": machines.SILENT,
    "STRANGER": machines.STRANGER,
    "CUT": machines.CUT,
}
PATIENCE = 100.0


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """Everything that takes time, done side by side; each test looks at its own part of it."""
    folder = tmp_path_factory.mktemp("fax")
    main, lost, reborn = (FaxSite(folder / name) for name in ("main", "lost", "reborn"))
    with contextlib.ExitStack() as ending:
        ending.callback(main.close)
        main.prepare(WARDS, untested=("NEW",)).open()
        ending.callback(lost.close)
        lost.prepare({"TEE": machines.T38}).open()
        ending.callback(reborn.close)
        reborn.prepare({"TEE": machines.T38, "SOUND": machines.SOUND}).open()
        sites = (main, lost, reborn)
        for site in sites:
            site.patiently("a line", lambda site=site: _states(site)["fax-TEE"] == "ok", within=30)
        _begin(main)
        with reborn.sender() as sender:
            assert sender.send(reborn.results("TEE", analytes=15)) == ("AA", "TEE")
            assert sender.send(reborn.results("SOUND")) == ("AA", "SOUND")
        _kill_in_mid_fax(lost)
        _die_in_mid_fax(reborn)
        for site in sites:
            site.patiently("every fax has ended", lambda site=site: _ended(site), within=PATIENCE)
        _write_down(main)
        # Looked at now: once the number of NEW may be used, its result is on its way.
        left = [path for site in sites for path in _between(site).iterdir()]
        yield SimpleNamespace(main=main, lost=lost, reborn=reborn, left=left)


def _begin(site):
    _draw(site.exchange.outgoing / "letter.tif", "fax du dehors")
    site.tell("fax", "test", "fax-NEW")
    with site.sender() as sender:
        for ward in WARDS:
            sent = sender.send(site.results(ward, critical=ward in CRITICAL))
            assert sent == ("AA", ward)
    site.exchange.send("letter", to=INWARD)
    site.exchange.send("letter", to=INWARD, cut=True)


def _kill_in_mid_fax(site):
    with site.sender() as sender:
        assert sender.send(site.results("TEE")) == ("AA", "TEE")
    site.patiently("a call", lambda: _receiving(site), within=30)
    time.sleep(3)  # into the page
    site.asterisk.kill()
    site.asterisk.start()


def _die_in_mid_fax(site):
    """Wardline is killed, and starts again when one of its calls has ended and the other goes on."""
    site.patiently("both calls", lambda: len(_lines(site)) == 2, within=30)
    site.wardline.kill()
    site.patiently("an end", lambda: list(_between(site).glob("*.end")), within=60, alive=False)
    site.under_way = _lines(site)
    site.given = {path.name for path in site.kept.iterdir()}  # a file for each call so far
    site.start_wardline()


def _lines(site):
    """The far ends that Asterisk talks to."""
    said = site.asterisk.console("core show channels concise")
    return [line for line in said.splitlines() if line.startswith("PJSIP/") and "!Up!" in line]


def _receiving(site):
    return any(path.stat().st_size for path in site.exchange.pages(machines.T38))


def _states(site):
    return {name: device["state"] for name, device in site.status()["devices"].items()}


def _ended(site):
    """Every message has reached a machine or the laboratory, and the test page its register."""
    messages = [m for m in site.messages() if m["kind"] != "notice"]
    faxes = [m for m in messages if m["intake"] == "fax"]
    if site.exchange.outgoing.joinpath("letter.tif").exists() and len(faxes) < 2:
        return False
    ward = {"NEW"} if "NEW" in site.faxes else set()
    open_ones = {m["control_id"] for m in messages if m["state"] != "delivered"} - ward
    return not open_ones and all(f["tested_at"] for f in _faxes(site) if f["name"] == "fax-NEW")


def _faxes(site):
    return site.verb("fax", "list")


def _between(site):
    return site.asterisk.folder / "spool/wardline/fax-out"


def _write_down(site):
    """For people: the received pages as pictures."""
    for path in site.exchange.received.glob("*.tif"):
        for number, page in enumerate(_pages(path)):
            page.save(path.with_name(f"{path.stem}-{number}.png"))


def _pages(path):
    found = []
    with Image.open(path) as image:
        for number in range(image.n_frames):
            image.seek(number)
            found.append(image.convert("1"))
    return found


def _draw(path, text):
    page = Image.new("1", (1728, 2292), 1)
    ImageDraw.Draw(page).text((200, 300), text, fill=0, font_size=80)
    page.save(path, "TIFF", compression="group4", dpi=(204, 196))


def _identical(received, sent):
    """Dot by dot, but for the lines that Asterisk puts on top."""
    if len(received) != len(sent):
        return False
    return all(
        there.crop((0, HEADER, 1728, there.height)).tobytes() == here.tobytes()
        for there, here in zip(received, sent, strict=True)
    )


@pytest.mark.parametrize("ward", ["TEE", "SOUND"])
def test_a_machine_receives_the_pages_dot_by_dot(story, ward):
    """One by T.38, one by sound."""
    (received,) = story.main.exchange.pages(WARDS[ward])
    pages = _pages(received)
    kept = [_pages(path) for path in story.main.kept.glob("*.tif")]

    assert len(pages) == 2  # cover and sheet
    assert sum(_identical(pages, sent) for sent in kept) == 1
    to, outcome, detail = story.main.attempts(ward)[-1]
    assert (to, outcome) == (ward, "delivered")
    assert detail == f"T.30: pages 1/1 confirmed by {WARDS[ward]}"


def test_both_ways_of_faxing_were_taken(story):
    """Asterisk's own word on it: a test of T.38 that fell back to sound would prove nothing."""
    said = story.main.asterisk.console("fax show stats")
    by_way = dict(re.findall(r"Spandsp (G\.711|T\.38) *\n *Success *: (\d+)", said))
    assert int(by_way["T.38"]) >= 1, said
    assert int(by_way["G.711"]) >= 1, said


@pytest.mark.parametrize(
    ("ward", "cause", "words"),
    [
        ("BUSY", "line-busy", "fax occupé"),
        ("RINGS", "no-answer", "le fax ne répond pas"),
        ("VOICE", "voice-answered", "à la place d'un fax"),
        ("SILENT", "voice-answered", "à la place d'un fax"),  # until the dialplan's own limit
        ("CUT", "line-cut", "ligne téléphonique coupée"),
    ],
)
def test_why_a_fax_did_not_arrive_is_told_apart_and_the_result_goes_on(story, ward, cause, words):
    attempts = story.main.attempts(ward)

    assert attempts[0][1:] == ("temporary", cause)
    assert attempts[-1][1] == "delivered"
    paper = [slip.text for slip in story.main.papers["lab"].slips if f"Service {ward}" in slip.text]
    assert any(words in " ".join(text.split()) for text in paper)
    assert not any("DUPLICATA" in text for text in paper)  # nothing of it had left


def test_a_stranger_stops_the_number_and_the_next_paper_says_it_may_be_the_second(story):
    outcome, detail = story.main.attempts("STRANGER")[0][1:]
    assert outcome == "uncertain"
    assert detail.startswith("wrong-station: 0155509999")
    known = {fax["name"]: fax for fax in _faxes(story.main)}
    assert known["fax-STRANGER"]["trust"] == "wrong-station"
    lab = [slip.text for slip in story.main.papers["lab"].slips]
    assert any("NUMÉRO DE FAX SUSPENDU" in text and "0155509999" in text for text in lab)
    assert any("DUPLICATA POSSIBLE" in text and "Service STRANGER" in text for text in lab)


def test_nothing_of_a_patient_goes_to_a_number_before_a_person_has_vouched_for_it(story):
    (received,) = story.main.exchange.pages(machines.NEW)

    assert len(_pages(received)) == 1  # the test page, and no result
    assert not story.main.attempts("NEW")
    store = SqliteStore(story.main.store, reactor=None, inline=True)
    saved = store.recall(f"fax {machines.NEW}").result[f"fax {machines.NEW}"]
    store.close()
    assert (saved["tested"], saved["heard"]) == ("arrived", machines.NEW)
    said = story.main.tell("fax", "confirm", "fax-NEW", saved["code"])
    assert "results may be faxed" in said
    story.main.patiently(
        "the number is used", lambda: _states(story.main)["fax-NEW"] == "ok", within=10
    )


def test_a_received_fax_is_stored_and_printed_in_its_ward_and_then_leaves_the_folder(story):
    faxes = {m["control_id"]: m for m in story.main.messages() if m["intake"] == "fax"}
    assert len(faxes) == 2
    assert {m["ward"] for m in faxes.values()} == {"IN"}
    texts = [slip.text for slip in story.main.papers["in"].slips]
    assert sum("FAX REÇU" in text and "33155501234" in text for text in texts) == 1
    assert sum("UN FAX N'EST PAS ARRIVÉ" in text for text in texts) == 1
    assert list((story.main.asterisk.folder / "spool/wardline/fax-in").iterdir()) == []


def test_an_asterisk_that_dies_in_mid_fax_leaves_a_doubt_that_is_said(story):
    attempts = story.lost.attempts("TEE")

    assert attempts[0][:2] == ("TEE", "uncertain")
    assert attempts[-1][1] == "delivered"
    lab = [slip.text for slip in story.lost.papers["lab"].slips]
    assert any("DUPLICATA POSSIBLE" in text and "Service TEE" in text for text in lab)
    # Nobody was rung twice; whether the machine there keeps half a page is its own affair.
    assert len(story.lost.exchange.pages(machines.T38)) <= 1


@pytest.mark.parametrize("ward", ["TEE", "SOUND"])
def test_a_wardline_that_dies_in_mid_fax_finds_its_calls_again_and_sends_nothing_twice(story, ward):
    """One of them had ended when it came back: a file says how. The other went on."""
    assert len(story.reborn.under_way) == 1
    found = {said["device"]: said["outcome"] for said in story.reborn.events("fax.left_behind")}
    if found[f"fax-{ward}"] != "arrived":  # modems on a machine that is too busy lose the line
        pytest.skip(f"the call that was found again ended otherwise: {found}")
    if set(found.values()) == {"arrived"}:
        assert {path.name for path in story.reborn.kept.iterdir()} == story.reborn.given
    assert len(_pages(story.reborn.exchange.pages(WARDS[ward])[-1])) >= 2

    outcomes = [(outcome, detail) for _, outcome, detail in story.reborn.attempts(ward)]
    assert ("uncertain", "the service stopped") in outcomes
    outcome, detail = outcomes[-1]
    assert outcome == "delivered"
    assert WARDS[ward] in detail
    assert "outlived" in detail
    assert story.reborn.papers["lab"].slips == []


def test_no_file_stays_between_wardline_and_asterisk(story):
    assert story.left == []


def test_the_journal_holds_every_fax(story):
    assert "none altered" in story.main.tell("journal", "verify")
    told = json.dumps(story.main.messages())
    assert "T.30: pages 1/1 confirmed" in told
