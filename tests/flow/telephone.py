"""The hospital of the stories with a telephone that people dial, and one that rings them."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

from argon2 import PasswordHasher

from gateway.alarm import Alarms
from gateway.asterisk.access import Access
from gateway.asterisk.ivr.house import House
from gateway.asterisk.ivr.menu import answer
from gateway.asterisk.speech.lexicon import built_in
from gateway.directory import Person
from gateway.formats import Formats, Kit
from gateway.hands import HouseHands
from gateway.service import spawn
from gateway.telephone import notified
from tests.flow.caller import Aloud, Caller
from tests.flow.conftest import Hospital
from tests.unit.asterisk.sound import tone

_QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)

ROUX = Person(code="4711", name="Dr Roux", wards=("CARD",), roles=("clinician", "downtime"),
              phone="2222", pin=_QUICK.hash("271828"))  # fmt: skip
LAB = Person(code="4712", name="M. Noir", roles=("lab",), pin=_QUICK.hash("161803"))
PETIT = Person(code="4713", name="Mme Petit", wards=("NEURO",), roles=("downtime",),
               pin=_QUICK.hash("314159"))  # fmt: skip
LOGIN = "4711#271828#"


class Ward(Hospital):
    """A hospital whose people dial in."""

    def open(self, *, path=":memory:"):
        self.people = (ROUX, LAB, PETIT)
        self.callers = []
        self.outcomes_of_calls = []
        self.folder = Path(tempfile.mkdtemp(prefix="wardline-flow-"))
        super().open(path=path)
        self.wire_telephone()
        return self

    def wire_telephone(self):
        """The telephone's part of the service; again after a restart."""
        lexicons = {language: built_in(language) for language in ("fr", "en")}
        tell = Alarms(self.store, clock=self.time, accepted=self._accepted)
        self.voice = Aloud(lexicons)
        access = Access(
            self.directory.people, store=self.store, clock=self.time,
            alarm=lambda fails: spawn(tell("guessing", subject=str(fails), reason=""), "alarm"),
        )  # fmt: skip
        self.do(access.open())
        self.house = House(
            store=self.store, directory=self.directory, voice=self.voice, access=access,
            hands=HouseHands(
                self.store, self.directory, inbox=self.inbox, alarms=tell, clock=self.time,
                accepted=self._accepted, listen=self.desk.listen, sounds=self.folder / "speech",
            ),
            clock=self.time, lexicons=lexicons, read=Formats(kit=Kit(reactor=None)).read,
            corrections=self.composer.corrections, zone="Europe/Paris",
        )  # fmt: skip

    def dials(self, **about):
        """Somebody dials in and hears the first words."""
        return Caller(**about).dials(partial(answer, house=self.house))

    def answers(self, pressed="", *, hangs_up=False, gone_at=None):
        """Whoever lifts the receiver presses these keys one after another, and no more. `gone_at`: the words
        at which the line is cut."""

        async def talk(token):
            caller = Caller(token=token)
            self.callers.append(caller)
            caller.alone, caller.leaves, caller.gone_at = True, hangs_up, gone_at
            caller.keys(pressed)
            outcome = await notified(caller, self.calling.batch(token), self.house)
            self.outcomes_of_calls.append(outcome)

        return talk

    def recording(self, *, seconds=1.0):
        path = self.folder / f"{next(self.numbers)}.wav"
        path.write_bytes(tone(200 + next(self.numbers), seconds=seconds, rate=8000))
        return path

    def moves(self, ipp, *, to):
        """ADT says where a patient is now."""
        raw = (
            f"MSH|^~\\&|SIL|LABO|W|H|20240803110000||ADT^A02|M{next(self.numbers)}|P|2.5\r"
            f"PID|1||{ipp}^^^H^PI||LEFÈBVRE^Éloïse||19530422|F\rPV1|1|I|{to}^12^A\r"
        )
        assert self.receives(raw.encode()) == "AA"

    def record(self):
        """Every acknowledgement of every message, those that did not count included."""
        ids = [m["id"] for m in self.store.messages()]
        return self.do(self.store.acknowledgements(ids))

    def journal(self):
        rows = self.store._writer._ledger.connection.execute("SELECT what, detail FROM journal")
        return repr(list(rows))

    def _accepted(self, accepted):
        self.dispatcher.accepted(accepted)
