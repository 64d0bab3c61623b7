"""What becomes of a slip whose documents the box cannot draw, now or ever."""

from types import SimpleNamespace

import pytest
from twisted.internet.task import Clock

from gateway.box import BoxFailed, Why
from gateway.errors import PermanentFailure, TemporaryFailure
from gateway.paper import Typesetter
from printers.pixels.packing import packed
from printers.slip import Banner, Enclosure, Slip, Text

SCAN = Enclosure(title="ECG", media_type="application/pdf", data=b"%PDF")
SLIP = Slip(header=(), body=(SCAN,), language="en", undrawn="NOT PRINTED: {title}")


class Stage(Clock):
    """What goes to a thread is done at once."""

    def getThreadPool(self):
        return self

    def callInThreadWithCallback(self, done, work, *args):
        done(True, work(*args))

    def callFromThread(self, work, *args):
        work(*args)


def typesetter(answer):
    async def call(function, payload, *, timeout):
        if isinstance(answer, Exception):
            raise answer
        return answer

    return Typesetter(Stage(), SimpleNamespace(call=call))


@pytest.mark.parametrize("why", [Why.BUSY, Why.STOPPED])
async def test_what_cannot_be_drawn_now_is_drawn_later_and_not_left_out(why):
    for make in ("page", "fax"):
        with pytest.raises(TemporaryFailure):
            await getattr(typesetter(BoxFailed(why)), make)(SLIP)
    with pytest.raises(TemporaryFailure):
        await typesetter(BoxFailed(why)).strips(SLIP, dots=576)


@pytest.mark.parametrize(
    ("why", "words"),
    [(Why.MEMORY, "too much memory"), (Why.TIME, "too long"), (Why.CRASH, "cannot be drawn")],
)
async def test_what_can_never_be_drawn_is_said(why, words):
    slip, drawn = await typesetter(BoxFailed(why)).strips(SLIP, dots=576)
    (text,) = slip.body
    assert text.text.startswith("NOT PRINTED: ECG (")
    assert words in text.text
    assert not drawn


async def test_a_document_that_is_not_whole_says_so_before_it_begins():
    head = {"count": 40, "fault": "", "parts": [1, 0, 1], "faults": ["", "damaged", ""]}
    answer = packed(head, [b"\x00" * 72, b"\x00" * 144])
    slip, drawn = await typesetter(answer).strips(SLIP, dots=576)
    banner, missing, broken, enclosed = slip.body
    assert isinstance(banner, Banner)
    assert "3 of 40 pages" in missing.text
    assert "page 2" in broken.text
    assert enclosed is SCAN
    assert [len(page) for page in drawn[SCAN]] == [1, 0, 1]


async def test_a_fax_that_cannot_be_drawn_is_not_sent():
    slip = Slip(header=(), body=(Text(text="K 6,8"),))
    with pytest.raises(PermanentFailure, match="too large"):
        await typesetter(packed({"fault": "too large"})).fax(slip)
