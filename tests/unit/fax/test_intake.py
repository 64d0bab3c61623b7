"""Faxes that come in: the folder decides, and nothing leaves it before it is stored."""

from __future__ import annotations

import io
import os

import pytest
from PIL import Image
from twisted.internet.task import Clock

from gateway.asterisk.ami.words import Event
from gateway.box import BoxFailed, Why
from gateway.clock import ReactorClock
from gateway.errors import StoreBroken, StoreFull
from gateway.fax import boxed
from gateway.fax.envelope import Ending, Received, seal, unseal
from gateway.fax.opening import paper
from gateway.intakes.fax import EVERY, STALE, FaxIntake, Memory
from gateway.message import Kind, Message
from gateway.render import Context
from printers.slip import Enclosure

WALL = 1_722_675_600.0
NAME = "4301-wardline-1722675600.7.tif"


def tiff(pages=1):
    made = [Image.new("1", (1728, 100), 1) for _ in range(pages)]
    file = io.BytesIO()
    made[0].save(file, "TIFF", compression="group4", save_all=True, append_images=made[1:],
                 tiffinfo={270: "+33155501234"})  # fmt: skip
    return file.getvalue()


class Stage:
    """An intake, its folder, and everything it hands on."""

    def __init__(self, folder):
        self.folder, self.reactor = folder, Clock()
        self.taken, self.notes, self.broken = [], [], []
        self.known, self.trouble, self.box_trouble = set(), None, None
        self.intake = FaxIntake(
            folder,
            wards={"4301": "CARD"},
            inbox=self,
            box=self,
            memory=Memory(known=self.is_known, note=self.note),
            clock=ReactorClock(self.reactor),
            wall=lambda: WALL,
            on_broken=self.broken.append,
        )

    def arrives(self, *, file=None, end=None, name=NAME, age=0.0):
        if file is not None:
            (self.folder / name).write_bytes(file)
            os.utime(self.folder / name, (WALL - age, WALL - age))
        if end is not None:
            (self.folder / f"{name}.end").write_text(end)

    def start(self):
        self.intake.startService()
        return self

    def told(self):
        self.intake.event(Event(name="UserEvent", fields={"UserEvent": "FaxIn"}))

    def left(self):
        return sorted(path.name for path in self.folder.iterdir())

    def faxes(self):
        return [unseal(raw) for _, raw, _ in self.taken]

    # --- what the intake needs

    async def take(self, message, raw, *, format, door, peer, wards):
        if self.trouble:
            raise self.trouble
        assert self.left(), "removed before it was stored"
        assert (format, door.intake, door.mode) == ("fax", "fax", "direct")
        self.taken.append((message, raw, tuple(wards)))
        self.known.add((message.sender, message.control_id))

    async def call(self, function, payload, *, timeout):
        if self.box_trouble:
            raise self.box_trouble
        assert function == "gateway.fax.boxed:look"
        return boxed.look(payload)

    async def is_known(self, sender, control_id):
        return (sender, control_id) in self.known

    async def note(self, what, detail):
        self.notes.append(what)


@pytest.fixture
def stage(tmp_path):
    made = Stage(tmp_path)
    yield made
    made.intake.stopService()


def test_a_fax_is_taken_for_its_ward_when_its_call_has_ended_and_then_removed(stage):
    stage.start()
    stage.arrives(file=tiff(2))
    stage.told()
    assert not stage.taken  # still being received

    stage.arrives(end="SUCCESS 2 %2B33155501234\n")
    stage.told()

    message, raw, wards = stage.taken[0]
    assert (message.sender, message.control_id, wards) == ("FAX|4301", NAME[:-4], ("CARD",))
    fax = unseal(raw)
    assert (fax.ending, fax.pages, fax.station) == (Ending.WHOLE, 2, "+33155501234")
    assert fax.file == tiff(2)
    assert stage.left() == []


def test_what_came_while_nobody_listened_is_taken_at_the_start(stage):
    stage.arrives(file=tiff(), end="SUCCESS 1 x\n")

    stage.start()

    assert len(stage.taken) == 1


def test_without_any_event_the_folder_is_looked_into(stage):
    stage.start()
    stage.arrives(file=tiff(), end="SUCCESS 1 x\n")
    stage.reactor.advance(EVERY)

    assert len(stage.taken) == 1


@pytest.mark.parametrize(
    ("file", "end", "ending", "pages"),
    [
        (tiff(2), "FAILED 2 %2B331\n", Ending.BROKEN, 2),
        (tiff(2), "SUCCESS 3 %2B331\n", Ending.BROKEN, 2),  # a page that cannot be read
        (None, "FAILED 0 %2B331\n", Ending.BROKEN, 0),
        (b"II*\x00\x08\x00\x00\x00", "FAILED 0 %2B331\n", Ending.BROKEN, 0),
        (None, "SUCCESS 1 %2B331\n", Ending.BROKEN, 0),  # said to be there, and is not
    ],
)
def test_what_broke_off_reaches_the_ward_as_far_as_it_came(stage, file, end, ending, pages):
    stage.arrives(file=file, end=end)
    stage.start()

    fax = stage.faxes()[0]
    assert (fax.ending, fax.pages) == (ending, pages)
    assert stage.left() == []


def test_what_asterisk_never_finished_is_taken_once_no_call_can_still_last(stage):
    stage.arrives(file=tiff(), age=STALE - 1)
    stage.start()
    assert not stage.taken
    stage.arrives(file=tiff(), age=STALE + 1)
    stage.told()

    assert stage.faxes()[0].ending is Ending.UNKNOWN
    assert stage.faxes()[0].station == "+33155501234"  # as the file says


def test_a_wrong_number_is_noted_and_prints_nothing(stage):
    stage.arrives(end="  \n")
    stage.start()

    assert (stage.taken, stage.notes, stage.left()) == ([], ["call to a fax number"], [])


def test_a_crash_between_storing_and_removing_prints_nothing_twice(stage):
    stage.arrives(file=tiff(), end="SUCCESS 1 x\n")
    stage.start()
    stage.arrives(end="SUCCESS 1 x\n")  # the file was removed, its end was not
    stage.told()
    assert len(stage.taken) == 1
    assert stage.left() == []

    stage.arrives(file=tiff(), end="SUCCESS 1 x\n")  # nothing was: the store knows it byte by byte
    stage.told()
    assert stage.taken[1][1] == stage.taken[0][1]
    assert stage.taken[1][0] == stage.taken[0][0]


@pytest.mark.parametrize("trouble", [StoreFull("full"), OSError("disk")])
def test_while_it_cannot_be_stored_it_stays(stage, trouble):
    stage.trouble = trouble
    stage.arrives(file=tiff(), end="SUCCESS 1 x\n")
    stage.start()
    assert len(stage.left()) == 2

    stage.trouble = None
    stage.reactor.advance(EVERY)
    assert len(stage.taken) == 1


def test_a_broken_store_ends_the_service(stage):
    stage.trouble = StoreBroken("fsync")
    stage.arrives(file=tiff(), end="SUCCESS 1 x\n")
    stage.start()

    assert len(stage.broken) == 1


def test_a_file_that_breaks_its_reader_is_a_fax_that_did_not_arrive(stage):
    stage.box_trouble = BoxFailed(Why.CRASH)
    stage.arrives(file=b"bomb", end="SUCCESS 1 %2B331\n")
    stage.start()

    assert (stage.faxes()[0].ending, stage.faxes()[0].pages) == (Ending.BROKEN, 0)


def test_a_box_that_is_busy_is_waited_for(stage):
    stage.box_trouble = BoxFailed(Why.BUSY)
    stage.arrives(file=tiff(), end="SUCCESS 1 x\n")
    stage.start()
    assert not stage.taken

    stage.box_trouble = None
    stage.reactor.advance(EVERY)
    assert len(stage.taken) == 1


def test_what_takes_too_long_to_look_at_is_kept_and_whoever_draws_it_says_so(stage):
    stage.box_trouble = BoxFailed(Why.TIME)
    stage.arrives(file=tiff(3), end="SUCCESS 3 %2B331\n")
    stage.start()

    (fax,) = stage.faxes()
    assert (fax.ending, fax.pages, fax.file) == (Ending.WHOLE, 3, tiff(3))


def test_a_file_that_cannot_be_read_holds_up_no_other(stage):
    """A link, or one that Asterisk's umask keeps from us."""
    other = "4301-0001-1.1.tif"
    (stage.folder / other).symlink_to("/etc/hostname")
    stage.arrives(end="SUCCESS 1 x\n", name=other)
    stage.arrives(file=tiff(), end="SUCCESS 1 y\n")
    stage.start()

    assert [message.control_id for message, *_ in stage.taken] == [NAME[:-4]]
    assert stage.left() == [other, f"{other}.end"]


def test_what_is_larger_than_any_fax_is_asked_for_again(stage, monkeypatch):
    monkeypatch.setattr("gateway.fax.spool.LONGEST", 1000)
    stage.arrives(file=bytes(1001), end="SUCCESS 9 %2B331\n")
    stage.start()

    (fax,) = stage.faxes()
    assert (fax.ending, fax.pages, fax.station) == (Ending.BROKEN, 0, "+331")
    assert stage.left() == []


def test_names_that_are_not_asterisks_are_left_alone(stage):
    (stage.folder / "notes.txt.end").write_text("SUCCESS 1 x\n")
    stage.arrives(file=tiff(), end="SUCCESS 1 x\n", name="abc.tif")
    stage.start()

    assert not stage.taken
    assert len(stage.left()) == 3


def test_a_number_that_belongs_to_no_ward_any_more_comes_out_at_the_lab(stage):
    stage.arrives(file=tiff(), end="SUCCESS 1 x\n", name="4399-a-1.1.tif")
    stage.start()

    assert stage.taken[0][2] == ()


def test_what_is_sealed_is_what_is_opened():
    fax = Received(number="4301", ending=Ending.WHOLE, station="\n{}", pages=1, file=b"\n\x00II")

    assert unseal(seal(fax)) == fax
    for other in (b"", b"{}\nx", b"[]\n", b"\xff\n", b'{"ending": "x"}\n'):
        with pytest.raises(ValueError, match=r"."):
            unseal(other)


def read(fax):
    context = Context(
        site_code="HEX", site_name="H", ward_code="CARD", ward_name="Cardiologie",
        received_at=WALL, printed_at=WALL,
    )  # fmt: skip
    message = Message(control_id="x", sender="FAX|4301", type="FAX", kind=Kind.DOCUMENT)
    slip = paper(fax, message, context)
    words = " ".join(
        getattr(b, "text", "") or getattr(b, "value", "") for b in (*slip.header, *slip.body)
    )
    return words, [b for b in slip.body if isinstance(b, Enclosure)]


def test_its_paper_says_from_whom_and_whether_it_is_whole():
    words, enclosed = read(
        Received(number="4301", ending=Ending.WHOLE, station="0155", pages=2, file=b"II")
    )
    assert "FAX REÇU" in words
    assert "0155" in words
    assert "INCOMPLET" not in words
    assert (enclosed[0].media_type, enclosed[0].data) == ("image/tiff", b"II")

    words, enclosed = read(Received(number="4301", ending=Ending.BROKEN, pages=1, file=b"II"))
    assert "INCOMPLET" in words
    assert "n'est pas arrivé en entier" in words
    assert len(enclosed) == 1

    words, enclosed = read(Received(number="4301", ending=Ending.BROKEN, station="0155"))
    assert "UN FAX N'EST PAS ARRIVÉ" in words
    assert "Un fax de 0155 n'est pas arrivé" in words
    assert not enclosed
