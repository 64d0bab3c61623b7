"""Mail for the wards, from the end of DATA to the paper in somebody's hand."""

from __future__ import annotations

from gateway import formats
from gateway.inbox import Door
from gateway.intakes.smtp import words
from gateway.intakes.smtp.addresses import Recipient
from gateway.intakes.smtp.pace import Pace
from gateway.intakes.smtp.reception import Posted, Reception, Rules
from gateway.mail import reading
from gateway.mail.origin import Proof, Sender
from gateway.router import Mode

HEAD = b"From: labo@chu.example\r\nSubject: CR\r\n"
LABO = Sender(address="labo@chu.example", login="labo")


class Box:
    """The box without its walls."""

    async def call(self, function, payload, *, timeout=10.0):
        return getattr(reading, function.rpartition(":")[2])(payload)


class Mailroom:
    """A way in for mail at a hospital; `labo@chu.example` has logged in."""

    def __init__(self, hospital):
        self.hospital = hospital
        kit = formats.Kit(reactor=None, box=Box())
        hospital.composer._formats = formats.Formats(kit=kit)
        hospital.composer._read = hospital.composer._formats.read
        self.reception = Reception(
            hospital.inbox,
            door=Door(intake="mail", mode=Mode.DIRECT),
            rules=Rules(
                senders=(LABO,), keys={}, hold=True, unverified_per_hour=30, per_hour=600,
                bytes_per_hour=10**9, size=2**24,
            ),
            box=Box(),
            signatures=None,
            pace=Pace(hospital.time.now),
            on_broken=lambda why: None,
            expect=self._expect,
        )  # fmt: skip

    async def _expect(self, message_id):
        pass

    def gets(self, mail, *wards, login="labo"):
        posted = Posted(
            mail=mail,
            mail_from="labo@chu.example",
            recipients=tuple(
                Recipient(address=f"{w}@p".lower(), ward=w) for w in wards or ("CARD",)
            ),
            peer="192.0.2.7",
            proof=Proof(login=login),
        )
        return self.hospital.do(self.reception.receive(posted))


def mail(text, *, name=b"1@chu.example"):
    named = b"Message-ID: <%s>\r\n" % name if name else b""
    return HEAD + named + b"\r\n" + text.encode() + b"\r\n"


def test_a_mail_for_two_wards_comes_out_once_in_each_however_often_it_comes(hospital):
    room = Mailroom(hospital)
    for _ in range(2):
        assert room.gets(mail("Bonjour"), "CARD", "NEURO") == [words.TAKEN, words.TAKEN]
    assert room.gets(mail("Bonjour"), "NEURO") == [words.TAKEN]
    hospital.after(seconds=30)
    for at in ("cardio-slip", "neuro-slip"):
        (slip,) = hospital.paper(at)
        assert "Bonjour" in slip


def test_the_same_message_id_with_other_words_is_another_mail_and_says_so(hospital):
    room = Mailroom(hospital)
    room.gets(mail("Potassium 4,1"))
    room.gets(mail("Potassium 6,9"))
    hospital.after(seconds=30)
    first, second = hospital.paper()
    assert "4,1" in first and "6,9" in second
    assert "même identifiant" not in " ".join(first.split())
    assert "portait le même identifiant" in " ".join(second.split())


def test_without_a_message_id_a_mail_is_known_by_its_bytes(hospital):
    room = Mailroom(hospital)
    for text in ("un", "deux", "un"):
        room.gets(mail(text, name=b""))
    hospital.after(seconds=30)
    assert len(hospital.paper()) == 2


def test_three_hundred_pages_of_text_are_one_slip_of_a_few_pieces_that_counts_the_rest(hospital):
    Mailroom(hospital).gets(mail("\r\n".join(f"ligne {n}" for n in range(18_000))))
    hospital.after(seconds=60)
    pieces = hospital.paper()
    assert len(pieces) < 10
    assert {"0001"} == {piece.split("n° ")[1][:4] for piece in pieces}
    assert "SUITE : 17" in pieces[-1]


def test_an_empty_mail_comes_out_with_its_sender_and_says_that_it_is_empty(hospital):
    Mailroom(hospital).gets(HEAD + b"\r\n")
    hospital.after(seconds=30)
    (slip,) = hospital.paper()
    assert "labo@chu.example" in slip
    assert "(sans texte)" in slip


def test_results_of_a_sender_that_logged_in_come_out_at_once_and_its_mail_beside_them(hospital):
    room = Mailroom(hospital)
    hospital.composer._doubted = {"mail"}
    part = b"--b\r\nContent-Disposition: attachment; filename=r.hl7\r\n\r\n"
    told = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + part
    assert room.gets(told + hospital.sample().raw + b"\r\n--b--\r\n") == [words.TAKEN]
    hospital.after(seconds=30)
    result, letter = sorted(hospital.paper(), key=lambda slip: "COURRIEL" in slip)
    assert "Potassium" in result and "NON AUTHENTIFIÉE" not in result
    assert "Repris comme résultats" in " ".join(letter.split())


def test_a_result_that_cannot_be_read_refuses_the_whole_mail_to_a_sender_that_is_known(hospital):
    room = Mailroom(hospital)
    part = b"--b\r\nContent-Disposition: attachment; filename=r.hl7\r\n\r\n"
    told = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + part
    (answer,) = room.gets(told + hospital.sample().raw.replace(b"PID|", b"ZZZ|") + b"\r\n--b--\r\n")
    assert answer.startswith("550 5.6.0 HL7 message 1 refused: PID")
    hospital.after(seconds=60)
    assert hospital.paper() == []
    assert "PID" in " ".join(hospital.paper("lab-slip"))
