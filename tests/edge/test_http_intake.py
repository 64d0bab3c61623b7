"""The HTTP way in over real sockets and a real store: what is taken, what is refused, and how it is said."""

from __future__ import annotations

import base64
import gc
import json
import os
import random
import resource
import time
from hashlib import sha256
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater

from gateway.errors import StoreBroken, StoreFull
from gateway.fhir.again import read as read_again
from gateway.hl7 import Limits
from tests.edge.http_site import TOKEN, Site, hl7
from tests.edge.test_mllp_intake import Authority, trusting

REPORT = {
    "resourceType": "DiagnosticReport", "id": "dr1", "status": "final",
    "code": {"text": "Ionogramme"}, "subject": {"reference": "#p"},
    "contained": [
        {"resourceType": "Patient", "id": "p", "name": [{"family": "Roux"}], "identifier": [{"value": "1"}]},
        {"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "K"},
         "valueQuantity": {"value": 4.1, "unit": "mmol/L"}},
    ],
    "result": [{"reference": "#o"}],
}  # fmt: skip


def named(family, id):
    patient = {"resourceType": "Patient", "id": "p", "name": [{"family": family}]}
    return REPORT | {"id": id, "contained": [patient, REPORT["contained"][1]]}


class Refusing:
    """An inbox whose store fails."""

    limits = Limits()

    def __init__(self, error):
        self.error = error

    async def accept(self, raw, *, door, peer):
        raise self.error

    async def look(self, number):
        raise self.error


class Holding:
    """An inbox that has not committed yet."""

    limits = Limits()

    def __init__(self):
        self.asked, self.commit = Deferred(), Deferred()

    async def accept(self, raw, *, door, peer):
        self.asked.callback(None)
        return await self.commit


async def test_created_is_said_once_it_is_on_disk_and_never_twice(tmp_path):
    async with Site(tmp_path) as site:
        first = await site.post(hl7())
        again = await site.post(hl7())
        assert (first.status, again.status) == (201, 200)
        assert first.json == {"control_id": "A1", "id": 1, "duplicate": False}
        assert first.headers["location"] == "/api/v1/messages/1"
        assert again.json["duplicate"]
        assert (await site.store.content(1)).raw == hl7()


async def test_nothing_is_said_before_the_commit(tmp_path):
    inbox = Holding()
    async with Site(tmp_path, inbox=inbox) as site:
        answer = Deferred.fromCoroutine(site.post(hl7()))
        await inbox.asked
        await deferLater(reactor, 0.05, lambda: None)
        assert not answer.called
        inbox.commit.callback(type("A", (), {"message_id": 7, "duplicate": False}))
        assert (await answer).status == 201


@pytest.mark.parametrize(("error", "status"), [(StoreFull(), 503), (RuntimeError("Roux"), 500)])
async def test_what_is_not_on_disk_is_never_called_created(tmp_path, error, status):
    async with Site(tmp_path, inbox=Refusing(error)) as site:
        said = await site.post(hl7())
        assert said.status == status
        assert b"Roux" not in said.body
        if status == 503:
            assert said.headers["retry-after"]
            assert (await site.ask("GET", "/healthz")).status == 503


async def test_a_store_that_lied_ends_the_service(tmp_path):
    async with Site(tmp_path, inbox=Refusing(StoreBroken())) as site:
        assert (await site.post(hl7())).status == 503
        assert len(site.broken) == 1


@pytest.mark.parametrize("token", ["", "wrong-token", TOKEN[:-1], TOKEN + "x", "é"])
async def test_nobody_sends_without_a_token(tmp_path, token):
    async with Site(tmp_path) as site:
        for said in (
            await site.ask("POST", "/api/v1/messages", hl7(), token=token),
            await site.ask("POST", "/fhir", b"{}", token=token),
            await site.ask("GET", "/api/v1/messages/1", token=token),
        ):
            assert said.status == 401
            assert said.headers["www-authenticate"] == "Bearer"
        assert await site.store.counts() == {} or not any((await site.store.counts()).values())


async def test_a_sender_sends_in_its_own_name_only(tmp_path):
    async with Site(tmp_path) as site:
        said = await site.post(hl7(sender="AUTRE|CHU"))
        assert (said.status, said.json["location"]) == (403, "MSH-3")
        kept = await site.store.content(1)
        assert "this token may not send" in kept.refused


async def test_a_refusal_names_the_field_in_the_senders_language(tmp_path):
    async with Site(tmp_path) as site:
        broken = hl7().replace(b"PID|1||4711^^^CHU^PI||Roux^A\r", b"")
        french = await site.post(broken)
        english = await site.post(broken, Accept_Language="de, en;q=0.9, fr;q=0.1")
        assert (french.status, french.json["location"], french.json["code"]) == (422, "PID", 101)
        assert french.headers["content-type"] == "application/problem+json"
        assert (french.headers["content-language"], french.json["title"]) == (
            "fr",
            "Le message est refusé",
        )
        assert english.json["title"] == "The message is refused"


async def test_a_batch_is_answered_message_by_message(tmp_path):
    async with Site(tmp_path) as site:
        said = await site.post(hl7("A1") + hl7("A2") + hl7("A3").replace(b"PID|1", b"ZZZ|1"))
        assert said.status == 422
        assert [m["control_id"] for m in said.json["messages"]] == ["A1", "A2", "A3"]
        assert [m.get("refused") for m in said.json["messages"]] == [None, None, "no patient"]


async def test_an_envelope_is_opened(tmp_path):
    async with Site(tmp_path) as site:
        body = {"format": "hl7v2", "body": base64.b64encode(hl7()).decode(), "encoding": "base64"}
        assert (await site.post(json.dumps(body).encode(), "application/json")).status == 201
        assert (await site.store.content(1)).raw == hl7()
        assert (await site.post(b'{"format": "fhir"}', "application/json")).status == 422
        assert (await site.post(b'{"receipt_for": "A1"}', "application/json")).status == 422


async def test_a_receipt_closes_a_copy_of_a_tap(tmp_path):
    async with Site(tmp_path, mode="tap") as site:
        assert (await site.post(hl7())).status == 201
        said = [await site.post(b'{"receipt_for": "A1"}', "application/json") for _ in range(2)]
        assert [s.json["closed"] for s in said] == [True, False]


async def test_a_document_needs_a_ward_we_have(tmp_path):
    async with Site(tmp_path) as site:
        pdf = b"%PDF-1.4 tiny"
        said = await site.post(pdf, "application/pdf", "/api/v1/messages?ward=cardiologie&title=CR")
        assert said.status == 201
        kept = await site.store.content(1)
        assert (kept.format, kept.ward, kept.raw.endswith(b"\n" + pdf)) == (
            "document",
            "CARD",
            True,
        )
        for path in ("/api/v1/messages", "/api/v1/messages?ward=NEURO"):
            refused = await site.post(pdf, "application/pdf", path)
            assert (refused.status, refused.json["location"]) == (422, "ward")
        zipped = await site.post(b"PK", "application/zip", "/api/v1/messages?ward=CARD")
        assert (zipped.status, "application/pdf" in zipped.headers["accept-post"]) == (415, True)


async def test_the_same_key_has_the_same_answer_and_another_body_none(tmp_path):
    async with Site(tmp_path) as site:
        first = await site.post(hl7("A1"), Idempotency_Key="k1")
        again = await site.post(hl7("A1"), Idempotency_Key="k1")
        other = await site.post(hl7("A2"), Idempotency_Key="k1")
        assert (first.status, first.body) == (again.status, again.body) == (201, first.body)
        assert (other.status, other.json["type"]) == (422, "/problems/key-reused")
        assert (await site.fhir(REPORT, If_None_Exist="identifier=1")).status == 201
        assert (await site.fhir(named("X", "2"), If_None_Exist="identifier=1")).status == 412


async def test_a_request_that_is_under_way_is_not_begun_again(tmp_path):
    inbox = Holding()
    async with Site(tmp_path, inbox=inbox) as site:
        first = Deferred.fromCoroutine(site.post(hl7(), Idempotency_Key="k"))
        await inbox.asked
        assert (await site.post(hl7(), Idempotency_Key="k")).status == 409
        inbox.commit.callback(type("A", (), {"message_id": 7, "duplicate": False}))
        assert (await first).status == 201


async def test_a_sender_sees_what_became_of_its_own_messages_and_no_patient(tmp_path):
    async with Site(tmp_path) as site:
        await site.post(hl7())
        said = await site.ask("GET", "/api/v1/messages/1")
        assert said.json["state"] == "open"
        assert said.json["deliveries"] == [{"to": "CARD", "purpose": "ward", "state": "open"}]
        assert b"Roux" not in said.body and b"4711" not in said.body
        await site.post(hl7("B1", sender="AUTRE|X"))  # refused, and not theirs to see
        assert [(await site.ask("GET", f"/api/v1/messages/{n}")).status for n in (2, 99)] == [
            404,
            404,
        ]


async def test_a_resource_is_taken_and_read_again_as_it_was(tmp_path):
    async with Site(tmp_path) as site:
        raw = json.dumps(REPORT).replace("4.1", "4.10").encode()
        said = await site.fhir(raw, "/fhir/DiagnosticReport")
        assert (said.status, said.headers["location"]) == (201, "/api/v1/messages/1")
        assert said.json["resourceType"] == "OperationOutcome"
        kept = await site.store.content(1)
        assert (kept.format, kept.raw) == ("fhir", raw)
        assert read_again(kept).groups[0].observations[0].value == "4.10"
        assert (await site.fhir(raw)).status == 200


async def test_a_transaction_is_answered_entry_by_entry(tmp_path):
    async with Site(tmp_path) as site:
        entries = [{"resource": r} for r in (named("A", "1"), named("B", "2"), named("A", "3"))]
        said = await site.fhir({"resourceType": "Bundle", "type": "transaction", "entry": entries})
        assert (said.status, said.json["type"]) == (200, "transaction-response")
        places = [e["response"]["location"] for e in said.json["entry"]]
        assert places == ["/api/v1/messages/1", "/api/v1/messages/2", "/api/v1/messages/1"]


async def test_a_transaction_with_a_fault_leaves_nothing(tmp_path):
    async with Site(tmp_path) as site:
        entries = [{"resource": named("A", "1")}, {"resource": REPORT | {"status": "FINAL"}}]
        said = await site.fhir({"resourceType": "Bundle", "type": "transaction", "entry": entries})
        assert said.status == 422
        assert said.json["issue"][0]["expression"] == ["Bundle.entry[1].resource.status"]
        assert (await site.store.counts()).get("open", 0) == 0


async def test_another_type_than_the_address_says_is_refused(tmp_path):
    async with Site(tmp_path) as site:
        assert (await site.fhir(REPORT, "/fhir/Observation")).status == 400
        assert (await site.fhir(REPORT, "/fhir/Patient")).status == 404
        xml = await site.post(b"<x/>", "application/fhir+xml", "/fhir")
        assert (xml.status, xml.json["resourceType"]) == (415, "OperationOutcome")


# -- the wire


HEAD = f"Host: here\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/hl7-v2\r\n"
POST = b"POST /api/v1/messages HTTP/1.1\r\n" + HEAD.encode()
CHUNKED = b"%x\r\n%s\r\n0\r\n\r\n" % (len(hl7()), hl7())
LENGTH = b"Content-Length: %d\r\n" % len(hl7())


@pytest.mark.parametrize(
    "request_bytes",
    [
        POST + LENGTH + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKED,
        POST + b"Transfer-Encoding: chunked\r\n" + LENGTH + b"\r\n" + CHUNKED,
        POST + LENGTH + b"Content-Length: 1\r\n\r\n" + hl7(),
        POST + LENGTH + LENGTH + b"\r\n" + hl7(),
        POST + b"Content-Length: +5\r\n\r\nhello",
        POST + b"Content-Length: 5,5\r\n\r\nhello",
        POST + b"Content-Length: 0x5\r\n\r\nhello",
        POST + b"Content-Length : 5\r\n\r\nhello",
        POST + b"Transfer-Encoding: xchunked\r\n\r\n" + CHUNKED,
        POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKED,
        POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
        POST + b"X: a\r\n Content-Length: 5\r\n\r\nhello",
        POST + b"X: a\nContent-Length: 5\r\n\r\nhello",
        POST + b"Host: there\r\nContent-Length: 5\r\n\r\nhello",
        b"POST /api/v1/messages HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"MSH|^~\\&|SIL\r\n\r\n",
        POST + b"X: " + b"a" * 20_000 + b"\r\n\r\n",
        POST + b"".join(b"X%d: a\r\n" % n for n in range(200)) + b"\r\n",
    ],
)
async def test_what_two_readers_may_part_differently_is_refused_and_nothing_is_kept(
    tmp_path, request_bytes
):
    async with Site(tmp_path) as site:
        line = await site.dial()
        line.say(request_bytes + b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n")
        await line.closed
        assert line.heard.startswith(b"HTTP/1.1 400") or not line.heard
        assert line.heard.count(b"HTTP/1.1") <= 1, "what followed was heard as a request"
        assert not any((await site.store.counts()).values())


async def test_chunks_are_put_together(tmp_path):
    async with Site(tmp_path) as site:
        pieces = b"".join(b"%x\r\n%s\r\n" % (1, hl7()[n : n + 1]) for n in range(len(hl7())))
        said = await site.raw(POST + b"Transfer-Encoding: chunked\r\n\r\n" + pieces + b"0\r\n\r\n")
        assert said.status == 201
        assert (await site.store.content(1)).raw == hl7()


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_that_is_too_long_is_refused_and_not_kept(tmp_path, chunked):
    async with Site(tmp_path, longest=2000) as site:
        body = b"x" * 5000
        if chunked:
            more = b"Transfer-Encoding: chunked\r\n\r\n" + b"1388\r\n" + body + b"\r\n0\r\n\r\n"
        else:
            more = b"Content-Length: 5000\r\n\r\n" + body
        said = await site.raw(POST + more)
        assert said.status == 413
        assert site.intake._held == 0


async def test_a_body_that_is_hopelessly_long_is_not_waited_for(tmp_path):
    async with Site(tmp_path, longest=2000) as site:
        said = await site.raw(POST + b"Content-Length: 99999999999\r\n\r\n")
        assert said.status == 413


ASKING = (POST + b"Expect: 100-continue\r\n" + LENGTH + b"\r\n").split(b"\r\n\r\n")[0] + b"\r\n\r\n"


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (ASKING, 100),
        (ASKING.replace(TOKEN.encode(), b"wrong-token"), 401),
        (ASKING.replace(LENGTH, b"Content-Length: 5000\r\n"), 413),
        (ASKING.replace(b"100-continue", b"200-ok"), 417),
    ],
)
async def test_who_asks_before_it_sends_is_told_before(tmp_path, head, status):
    async with Site(tmp_path, longest=2000) as site:
        said = await site.raw(head)
        assert said.status == status
        if status != 100:
            assert said.json["status"] == status
            assert said.headers["connection"] == "close"


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /%ff HTTP/1.1\r\nHost: here\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: here\r\n\r\n",
        b"GET /openapi.json HTTP/1.1\r\nHost: h\xff\r\n\r\n",
        b"GET http://elsewhere/openapi.json HTTP/1.1\r\nHost: here\r\n\r\n",
        b"nonsense\r\n\r\n",
        POST + b"Content-Length: 99999999999\r\n\r\n",
        POST + b"X: a\r\n b\r\n\r\n",
        POST.replace(b"messages ", b"messages?access_token=" + TOKEN.encode() + b" ")
        + LENGTH
        + b"\r\n"
        + hl7(),
    ],
)
async def test_every_refusal_is_a_problem_document(tmp_path, request_bytes):
    async with Site(tmp_path) as site:
        said = await site.raw(request_bytes)
        assert 400 <= said.status < 500
        assert said.headers["content-type"] == "application/problem+json"
        assert "server" not in said.headers
        assert said.json["status"] == said.status and said.json["title"]
        assert not any((await site.store.counts()).values())


async def test_an_address_with_its_host_is_the_same_address(tmp_path):
    async with Site(tmp_path) as site:
        said = await site.raw(b"GET http://HERE/openapi.json?x=1 HTTP/1.1\r\nHost: here\r\n\r\n")
        assert said.status == 200


@pytest.mark.parametrize(
    ("charset", "status"), [("UTF-8", 201), ('"utf-8"', 201), ("iso-8859-1", 415)]
)
async def test_json_in_another_charset_is_refused(tmp_path, charset, status):
    async with Site(tmp_path) as site:
        body = json.dumps(REPORT).encode()
        assert (
            await site.post(body, f"application/fhir+json; charset={charset}", "/fhir")
        ).status == status


async def test_a_token_is_taken_back_and_another_given_without_a_restart(tmp_path):
    async with Site(tmp_path) as site:
        file = tmp_path / "token"
        assert (await site.post(hl7("A1"))).status == 201
        file.write_text(sha256(b"another-token").hexdigest())
        assert (await site.post(hl7("A2"))).status == 401
        assert (await site.ask("GET", "/api/v1/messages/1", token="another-token")).status == 200
        for broken in (lambda: file.write_text("nothing"), file.unlink):
            broken()
            with capture_logs() as logs:
                assert (
                    await site.ask("GET", "/api/v1/messages/1", token="another-token")
                ).status == 401
            assert [log["event"] for log in logs if log["log_level"] == "error"] == ["http.tokens"]
        file.write_text(sha256(TOKEN.encode()).hexdigest())
        assert (await site.post(hl7("A2"))).status == 201


async def test_a_request_has_so_long_and_no_more_however_it_drips(tmp_path):
    async with Site(tmp_path, within="300ms") as site:
        line = await site.dial()
        began = time.monotonic()
        line.say(POST + LENGTH + b"\r\n")
        for n in range(100):
            if line.closed.called:
                break
            line.say(hl7()[n : n + 1])
            await deferLater(reactor, 0.05, lambda: None)
        await line.closed
        assert time.monotonic() - began < 4
        assert line.heard.startswith(b"HTTP/1.1 408")


async def test_silence_ends_a_connection_and_several_requests_share_one(tmp_path):
    async with Site(tmp_path, idle="300ms") as site:
        line = await site.dial()
        line.say((b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n") * 3)
        await line.closed
        assert line.heard.count(b'{"state":"ok"}') == 3


async def test_one_address_has_so_many_connections(tmp_path):
    async with Site(tmp_path, per_peer=3) as site:
        lines = [await site.dial() for _ in range(3)]
        extra = await site.dial()
        await extra.closed
        await lines[0].part()
        await deferLater(reactor, 0.05, lambda: None)
        assert (await site.ask("GET", "/healthz")).status == 200
        await gatherResults([line.part() for line in lines[1:]])


async def test_many_at_once_are_all_answered(tmp_path):
    async with Site(tmp_path, per_peer=100) as site:
        said = await gatherResults(
            [Deferred.fromCoroutine(site.post(hl7(f"M{n}"))) for n in range(60)]
        )
        assert {s.status for s in said} == {201}
        assert len({s.json["id"] for s in said}) == 60


async def test_a_sender_that_hangs_up_does_not_stop_what_was_begun(tmp_path):
    inbox = Holding()
    async with Site(tmp_path, inbox=inbox) as site:
        line = await site.dial()
        line.say(POST + b"Idempotency-Key: k\r\n" + LENGTH + b"\r\n" + hl7())
        await inbox.asked
        await line.part()
        await deferLater(reactor, 0.05, lambda: None)
        inbox.commit.callback(type("A", (), {"message_id": 7, "duplicate": False}))
        again = await site.post(hl7(), Idempotency_Key="k")
        assert (again.status, again.json["id"]) == (201, 7), "its answer was lost with it"


async def test_stopping_answers_what_came(tmp_path):
    inbox = Holding()
    async with Site(tmp_path, inbox=inbox) as site:
        answer = Deferred.fromCoroutine(site.post(hl7()))
        await inbox.asked
        stopping = site.intake.stopService()
        inbox.commit.callback(type("A", (), {"message_id": 7, "duplicate": False}))
        assert (await answer).status == 201
        await stopping


async def test_what_is_counted_names_no_patient(tmp_path):
    async with Site(tmp_path) as site:
        await site.post(hl7())
        await site.ask("GET", "/nope")
        page = (await site.ask("GET", "/metrics", token="")).body.decode()
        assert 'wardline_messages{state="open"} 1.0' in page
        assert 'wardline_http_answers_total{intake="web",status="404"} 1.0' in page
        assert "Roux" not in page and "labo" not in page


@pytest.mark.parametrize("own", [None, "sil.example"])
async def test_over_tls_only_who_has_our_certificate_is_heard(tmp_path, own):
    authority = Authority(tmp_path, "ours")
    authority.issue("wardline.example")
    files = {"certificate": "wardline.example.crt", "private_key": "wardline.example.key"}
    async with Site(tmp_path, client_ca="ours.pem", **files) as site:
        line = await site.dial(trusting(authority, authority.issue(own) if own else None))
        line.say(POST + b"Connection: close\r\n" + LENGTH + b"\r\n" + hl7())
        await line.closed
        assert line.heard.startswith(b"HTTP/1.1 201" if own else b"")
        assert bool(line.heard) is bool(own)


async def test_what_does_not_exist_is_said_so(tmp_path):
    async with Site(tmp_path, hosts=("here",)) as site:
        assert (await site.ask("GET", "/nope")).status == 404
        wrong = await site.ask("DELETE", "/fhir")
        assert (wrong.status, wrong.headers["allow"]) == (405, "POST")
        other = await site.raw(POST.replace(b"here", b"evil") + LENGTH + b"\r\n" + hl7())
        assert other.status == 421
        described = await site.ask("GET", "/openapi.json", token="")
        assert described.json["openapi"].startswith("3.1")
        assert "server" not in described.headers


def mangled(chance, data):
    """`data` with a few bytes changed, cut out, doubled or put in."""
    found = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(found))
        what = chance.choice(("change", "cut", "double", "insert"))
        if what == "change":
            found[at] = chance.randrange(256)
        elif what == "cut":
            del found[at : at + chance.randint(1, 20)]
        elif what == "double":
            found[at:at] = found[at : at + chance.randint(1, 20)]
        else:
            found[at:at] = chance.choice(
                (b"\r\n", b"\r\n\r\n", b"\x00", b"0\r\n\r\n", b" ", b"\xff")
            )
        if not found:
            break
    return bytes(found) or b"x"


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_comes_is_answered_or_cut_and_the_next_sender_served(tmp_path, seed):
    chance = random.Random(seed)
    fhir = json.dumps(REPORT).encode()
    kinds = (
        POST + LENGTH + b"\r\n" + hl7(),
        POST + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKED,
        POST.replace(b"/api/v1/messages", b"/fhir").replace(b"hl7-v2", b"fhir+json")
        + b"Content-Length: %d\r\n\r\n" % len(fhir)
        + fhir,
    )
    with capture_logs() as logs:
        async with Site(tmp_path, within="200ms", idle="200ms") as site:
            for _ in range(25):
                line = await site.dial()
                line.say(mangled(chance, chance.choice(kinds)))
                await line.closed
                assert line.heard.startswith(b"HTTP/1.1 ") or not line.heard
            assert (await site.post(hl7("LAST"))).status == 201
        assert (site.intake._held, site.intake.connections) == (0, 0)
    assert [log for log in logs if log["event"] == "intake.bug"] == []


# -- the corpus

CORPORA = os.environ.get("WARDLINE_CORPORA")
EXPECTED = {
    "status_": (201, 422), "ok_report": (201,), "ok_bundle_tx": (200,), "bom": (201,),
    "attach_hash_wrong": (201,), "xss_div": (201,), "bundle_url_inj": (405,), "two_patients": (422,),
    "bundle_tx_one_bad": (422,), "subject_mismatch": (422,), "ref_loop": (422,), "proto": (422,),
    "decimal_keep": (422,),
}  # fmt: skip


def corpus():
    rooms = [Path(CORPORA, "fhir"), Path(CORPORA, "own/fhir-hostile")]
    return sorted(file for room in rooms for file in room.rglob("*") if file.is_file())


@pytest.mark.skipif(not CORPORA, reason="WARDLINE_CORPORA is not set")
async def test_every_resource_of_the_corpus_has_its_answer_within_a_second(tmp_path):
    files = corpus()
    assert len(files) > 200
    taken = 0
    async with Site(tmp_path, longest=2**25) as site:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for file in files:
            raw = file.read_bytes()
            xml = raw.lstrip().startswith(b"<")
            media = "application/fhir+xml" if xml else "application/fhir+json"
            began = time.monotonic()
            said = await site.post(raw, media, "/fhir")
            took = time.monotonic() - began
            assert took < 1, (file.name, took)
            assert said.status in (200, 201, 400, 405, 413, 415, 422), (file.name, said.body)
            if file.parent.name == "fhir-hostile":
                wanted = next(
                    (s for n, s in EXPECTED.items() if file.name.startswith(n)), (400, 415)
                )
                assert said.status in wanted, (file.name, said.status)
            if said.status in (200, 201):
                taken += 1
            else:
                assert said.json["issue"][0]["details"]["text"], file.name
        gc.collect()
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert grown < 64 * 1024, f"{grown} kB"
    assert taken > 100
