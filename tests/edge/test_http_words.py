"""People's words over HTTP: who may say what, and that it is obeyed."""

from __future__ import annotations

import json

import pytest

from gateway.errors import Unusable
from gateway.intakes.http import SenderSettings
from tests.edge.http_site import TOKEN, Site

STATUS = {"platform": {"state": "up", "since": None, "reason": "", "by": ""}, "devices": {}}


class Saying:
    """Writes down what is said."""

    def __init__(self):
        self.said = []
        self.trouble = ""

    def status(self):
        return STATUS

    async def outage(self, word, *, by, reason):
        if self.trouble:
            raise Unusable(self.trouble)
        self.said.append((f"outage {word}", by, reason))

    async def pack(self, ward, *, by):
        if self.trouble:
            raise Unusable(self.trouble)
        self.said.append(("pack", by, ward))


def site(folder, saying, *may):
    sender = {"name": "astreinte", "token_file": "token", "may": may}
    return Site(folder, saying=saying, senders=[sender])


async def say(here, path, **words):
    return await here.post(json.dumps(words).encode(), "application/json", f"/api/v1/{path}")


async def test_how_everything_stands_is_told_to_who_may_hear_it(tmp_path):
    async with site(tmp_path, Saying(), "status") as here:
        told = await here.ask("GET", "/api/v1/status")
        assert (told.status, told.json) == (200, STATUS)
        assert told.headers["cache-control"] == "no-store"

        assert (await here.ask("GET", "/api/v1/status", token="")).status == 401
        assert (await here.ask("GET", "/api/v1/status", token=TOKEN + "x")).status == 401
        assert (await say(here, "outage", word="begin", reason="x")).status == 403


async def test_an_outage_is_begun_and_ended_by_who_may(tmp_path):
    saying = Saying()
    async with site(tmp_path, saying, "outage") as here:
        begun = await say(here, "outage", word="begin", reason="travaux", by="Dr Martin")
        ended = await say(here, "outage", word="end", reason="terminé")

        assert (begun.status, ended.status) == (200, 200)
        assert begun.json["by"] == "Dr Martin (astreinte)"
        assert saying.said == [
            ("outage begin", "Dr Martin (astreinte)", "travaux"),
            ("outage end", "astreinte", "terminé"),
        ]
        assert (await here.ask("GET", "/api/v1/status")).status == 403
        assert (await here.ask("GET", "/api/v1/outage")).status == 405


async def test_a_ward_gets_its_pack(tmp_path):
    saying = Saying()
    async with site(tmp_path, saying, "pack") as here:
        assert (await say(here, "pack", ward="CARD")).status == 200
        assert saying.said == [("pack", "astreinte", "CARD")]

        saying.trouble = "no ward NOWHERE: there is CARD"
        refused = await say(here, "pack", ward="NOWHERE")
        assert (refused.status, refused.json["detail"]) == (422, saying.trouble)


@pytest.mark.parametrize(
    ("body", "status", "location"),
    [
        (b"", 400, None),
        (b"[]", 400, None),
        (b'{"word": "begin", "word": "end", "reason": "x"}', 400, None),
        (b'{"word": "pause", "reason": "x"}', 422, "word"),
        (b'{"word": 1, "reason": "x"}', 422, "word"),
        (b'{"word": "begin"}', 422, "reason"),
        (b'{"word": "begin", "reason": " "}', 422, "reason"),
        (b'{"word": "begin", "reason": "a\\nb"}', 422, "reason"),
        (b'{"word": "begin", "reason": "%s"}' % (b"x" * 201), 422, "reason"),
        (b'{"word": "begin", "reason": "x", "by": ["Dr X"]}', 422, "by"),
    ],
)
async def test_a_word_that_is_none_changes_nothing(tmp_path, body, status, location):
    saying = Saying()
    async with site(tmp_path, saying, "outage") as here:
        said = await here.post(body, "application/json", "/api/v1/outage")
        assert (said.status, said.json.get("location")) == (status, location)
        said = await here.post(body, "text/plain", "/api/v1/outage")
        assert said.status == 415
    assert saying.said == []


async def test_a_site_without_a_platform_has_nothing_to_declare(tmp_path):
    saying = Saying()
    saying.trouble = "this site has no [platform]: there is nothing to declare down"
    async with site(tmp_path, saying, "outage") as here:
        assert (await say(here, "outage", word="begin", reason="x")).status == 422


async def test_who_sends_results_may_say_nothing_of_the_platform_unless_the_site_says_so(tmp_path):
    async with Site(tmp_path, saying=Saying()) as here:
        assert (await say(here, "outage", word="begin", reason="x")).status == 403
        assert (await say(here, "pack", ward="CARD")).status == 403
        assert (await here.ask("GET", "/api/v1/status")).status == 403


def test_who_may_only_speak_needs_no_name_to_send_in():
    SenderSettings(name="astreinte", token_file="t", may=("status",))
    with pytest.raises(ValueError, match="sends_as"):
        SenderSettings(name="labo", token_file="t", may=("status", "hl7"))
