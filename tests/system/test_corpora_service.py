"""The corpora through the whole service: each message answered as it deserves, each slip read back."""

from __future__ import annotations

import json
import re
import socket
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from demo import laboratory as lab
from tests.edge.decoder import joined
from tests.system.corpora import bare, drawn, folder, manifest, told
from tests.system.stage import Sender, Stage

pytestmark = pytest.mark.system

WARDS = ("CARD", "REA", "CHIR1", "GERIA", "NEPH", "PED", "MATER", "URG")
#: What MANIFEST expects, in its words, and the answers that are that. Everything else: accepted.
ANSWERS = {
    "AR": "AR",
    "AR, no crash": "AR",
    "AR/no ack; connection stays": "AR",
    "AE or handled; never wrong patient": "AE",
    "AE/AR or decode; never crash; stored raw": "AA AE AR",
    "LF/CRLF tolerated; others AE; never mis-split text": "AA AE AR",
    "accept or AE; index safe": "AA AE",
    "accept, raw date shown or AE": "AA AE",
    "either handled per MSH-1/2 or AR": "AA AR",
    "AR or tolerant": "AA AR",
    "AE on count mismatch, none lost": "AA AE",  # each its own AA, then the batch's AE
    "under or over limit: AE/AR with reason; memory bound": "AA AE AR",
    "framing chars in body: see mllp": "AA AR",
}
PRINTED = ("ORU^R01", "OML^O21", "ORM^O01")
LONG, CONTINUED = 80, "SUITE—TOUTN'ESTPASIMPRIMÉICI"
MEGABYTE = 2**20


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder()
    stage = Stage(
        folder=tmp_path_factory.mktemp("corpora") / "site",
        mode="direct",
        with_platform=False,
        wards=dict.fromkeys(WARDS, ("ward", "")),
        intake={"within": "2s"},
    )
    stage.open()
    yield stage
    stage.close()


def played(stage, files):
    """Each as one frame on a connection of its own; the answers by file."""
    answers = {}
    for name, raw, _ in files:
        with stage.sender() as sender:
            answers[name] = [code for code, _ in sender.play(b"\x0b" + raw + b"\x1c\r")]
    return answers


def settled(stage):
    """Once nothing waits any more: every slip, and that each number is on one of them."""

    def deliveries():
        return [d for m in stage.messages() for d in m["deliveries"]]

    stage.until("all is done", lambda: all(d["state"] != "open" for d in deliveries()), within=60)
    assert [u for paper in stage.papers.values() for u in paper.unknown] == []
    slips = [slip for paper in stage.papers.values() for slip in joined(paper.slips)]
    numbers = [(d["to"], d["slip"]) for d in deliveries() if d["slip"]]
    assert len(slips) == len(numbers) == len(set(numbers))
    return slips


def missing(message, texts):
    """The strings of a message that its slip lacks: the one slip that lacks the fewest."""
    wanted = [bare(s)[:90] for s in message.strings if not drawn(s)]
    if len(message.values) > LONG:  # so long that only its beginning is printed, and it says so
        texts = [text + CONTINUED for text in texts if CONTINUED in text]
        wanted = wanted[:2]
    return min(([s for s in wanted if s not in text] for text in texts), key=len)


@pytest.mark.parametrize("prefix", ["own/fr-hl7/", "own/hl7-torture/"])
def test_each_message_is_answered_as_it_deserves_and_read_back_from_paper(site, prefix):
    files = manifest(prefix)
    answers = played(site, files)

    wrong = {
        name: (answers[name], expect)
        for name, _, expect in files
        if not set(answers[name]) <= set(ANSWERS.get(expect, "AA").split())
        or not (answers[name] or "no ack" in expect)
    }
    assert wrong == {}
    texts = [bare(slip.text) for slip in settled(site)]
    for name, raw, _ in files:
        message = told(raw, codec(name))
        if answers[name] == ["AA"] and message and message.type in PRINTED:
            assert any(message.strings)
            assert missing(message, texts) == [], name
    assert site.memory() < 300 * MEGABYTE


def codec(name):
    for part, found in (("8859-15", "iso8859-15"), ("lies_8859-1", "utf-8"), ("8859-1", "latin-1")):
        if part in name:
            return found
    return "utf-8"


def foreign(root):
    """Every fifth of the third-party files, cut where its messages begin: some 200 messages."""
    files = sorted(f for f in (root / "hl7").rglob("*") if f.is_file())
    for path in files[::5]:
        for number, raw in enumerate(re.split(rb"[\r\n]+(?=MSH)", path.read_bytes().strip())):
            yield f"{path.name} {number}", raw, ""


def test_messages_of_other_hospitals_are_answered_and_come_out_whole(tmp_path):
    files = list(foreign(folder()))
    said = {name: told(raw) for name, raw, _ in files}
    places = sorted({m.ward.casefold(): m.ward for m in said.values() if m and m.ward}.values())
    stage = Stage(
        folder=tmp_path / "site",
        mode="direct",
        with_platform=False,
        wards={"ELSE": ("ward", "")},
        aliases={"ELSE": places},
    )
    stage.open()
    try:
        answers = played(stage, files)
        texts = [bare(slip.text) for slip in settled(stage)]
        memory = stage.memory()
    finally:
        stage.close()

    assert {code for codes in answers.values() for code in codes} <= {"AA", "AE", "AR"}
    unheard = [said[name].type for name, codes in answers.items() if not codes]
    assert {kind[:3] for kind in unheard} <= {"ACK"}, "an acknowledgement is not acknowledged"
    results = {
        name: message
        for name, message in said.items()
        if answers[name] == ["AA"] and message and message.type in PRINTED
    }
    assert len(results) > 40
    lost = {name: gone for name, m in results.items() if (gone := missing(m, texts))}
    assert lost == {}
    assert memory < 300 * MEGABYTE


# What a stream is answered, and whether it is closed (by the intake, in its time) or stays open.
STREAMS = {
    "ok_one": ["AA"],
    "ok_pipelined_50": ["AA"] * 50,
    "cr_only_between": ["AA", "AA"],
    "dup_twice": ["AA", "AA"],
    "fs_without_cr_then_next": ["AA", "AA"],
    "fs_in_body": ["AA"],
    "garbage_before": ["AA"],
    "garbage_between": ["AA", "AA"],
    "mllp2_ack_bytes": ["AA"],
    "nested_start": ["AR", "AA"],
    "no_final_cr": ["AA"],
    "proxy_header": ["AA"],
    "utf16": ["AR"],
    "empty_frame": [],
    "many_empty_frames": [],
    "no_end": [],
    "no_start": [],
    "only_VT_flood": [],
    "http_get": [],
    "smtp": [],
}


@pytest.fixture(scope="module")
def intake(tmp_path_factory):
    """A site whose intake is short of patience, and lets one address have as many lines as it likes."""
    folder()
    stage = Stage(
        folder=tmp_path_factory.mktemp("streams") / "site",
        mode="direct",
        with_platform=False,
        wards=dict.fromkeys(WARDS, ("ward", "")),
        intake={"within": "1500ms", "idle": "4s", "per_peer": 600, "connections": 500},
    )
    stage.open()
    yield stage
    stage.close()


def stream(name):
    return (folder() / "own/mllp-streams" / f"{name}.bin").read_bytes()


def test_streams_are_answered_as_they_deserve_all_at_once(intake):
    assert {n.rpartition("/")[2].removesuffix(".bin") for n, *_ in manifest("own/mllp-str")} - {
        "giant_64MB_head",
        "slowloris.hexlist.json",
    } == set(STREAMS)

    def play(name):
        with intake.sender() as sender:
            sender.socket.sendall(stream(name))
            return sender.rest()  # which ends when the intake has closed

    with ThreadPoolExecutor(len(STREAMS)) as pool:
        answers = dict(zip(STREAMS, pool.map(play, STREAMS), strict=True))

    assert {name: [code for code, _ in said] for name, said in answers.items()} == STREAMS
    ids = [found for said in answers.values() for code, found in said if code == "AA"]
    assert [i for _, i in answers["ok_pipelined_50"]] == [f"A{n:05}" for n in range(74, 124)]
    settled(intake)
    taken = Counter(m["control_id"] for m in intake.messages() if m["state"] != "refused")
    assert taken == Counter(dict.fromkeys(ids, 1)), "an id that came twice is one message"
    assert intake.memory() < 200 * MEGABYTE


def test_a_message_of_sixty_four_megabytes_is_refused_and_leaves_no_trace_in_memory(intake):
    before = intake.memory()
    with intake.sender() as sender:
        try:
            sender.socket.sendall(stream("giant_64MB_head"))
            for _ in range(31):
                sender.socket.sendall(b"A" * 2**21)
        except ConnectionError:
            pass  # closed at the limit, before all was sent
        assert sender.rest() == [("AR", "A00137")]
    assert intake.memory() - before < 64 * MEGABYTE


def test_a_sender_of_single_bytes_is_cut_off_and_delays_nobody(intake):
    (slow,) = json.loads((folder() / "own/mllp-streams/slowloris.hexlist.json").read_text())
    with intake.sender() as sender, intake.sender() as other:
        began = time.monotonic()
        times = []
        for number, byte in enumerate(bytes.fromhex(slow)):
            try:
                sender.socket.sendall(bytes([byte]))
            except ConnectionError:
                break
            times.append(asked(other, f"SLOW{number}"))
            time.sleep(0.05)
        assert 1.2 < time.monotonic() - began < 4.0
        assert sender.rest() == []
    assert max(times) < 1.0
    assert "no whole message within 1.5 s" in intake.log()


def asked(sender, control_id):
    """Seconds until a message is answered."""
    began = time.monotonic()
    assert sender.send(lab.result(control_id, lab.RAPHAEL, lab.SODIUM)) == ("AA", control_id)
    return time.monotonic() - began


def crowd(port, count):
    """So many connections from one address that say nothing, forty dialled at a time."""
    with ThreadPoolExecutor(40) as pool:
        dial = lambda _: socket.create_connection(("127.0.0.1", port), 10)  # noqa: E731
        return list(pool.map(dial, range(count)))


def test_five_hundred_idle_connections_beside_a_sender_cost_it_nothing(intake):
    peers = crowd(intake.intake_port, 498)
    try:
        with intake.sender() as sender:
            times = sorted(asked(sender, f"IDLE{n}") for n in range(50))
    finally:
        for peer in peers:
            peer.close()
    assert times[25] < 0.1
    assert times[-1] < 1.0


def test_two_thousand_connections_from_one_address_leave_the_others_theirs(tmp_path):
    stage = Stage(folder=tmp_path / "site", mode="direct", with_platform=False)
    stage.open()
    try:
        peers = crowd(stage.intake_port, 2000)
        try:
            stage.until("they are sent away", lambda: alive(peers) == 20, within=10)
            with Sender(stage.intake_port, source="127.0.0.2") as other:
                assert max(asked(other, f"CROWD{n}") for n in range(20)) < 1.0
            memory = stage.memory()
        finally:
            for peer in peers:
                peer.close()
        stage.until("they are gone", lambda: welcome(stage), within=10)
    finally:
        stage.close()
    assert memory < 200 * MEGABYTE
    assert len(stage.events("intake.refused_peer")) == 1, "told once, not a thousand times"


def alive(peers):
    """How many of them are still open."""
    count = 0
    for peer in peers:
        peer.setblocking(False)
        try:
            peer.recv(1)
        except BlockingIOError:
            count += 1
        except OSError:
            pass
    return count


def welcome(stage):
    with stage.sender() as sender:
        try:
            return asked(sender, "AFTER") > 0
        except ConnectionError:
            return False
