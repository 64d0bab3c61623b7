"""The telephone, wired: Asterisk's link, who is called, what callers hear, and what calls make happen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from twisted.application.service import Service

from gateway.alarm import Alarms
from gateway.asterisk.access import Access
from gateway.asterisk.ivr.house import House
from gateway.asterisk.ivr.menu import answer, opening
from gateway.asterisk.ivr.notify import Batch as Conversation
from gateway.asterisk.ivr.notify import Ending, Outcome, notify
from gateway.asterisk.role import Call
from gateway.asterisk.service import Telephony
from gateway.asterisk.speech import lexicon, recordings
from gateway.asterisk.speech.engine import Engine
from gateway.asterisk.speech.lexicon import Lexicon
from gateway.asterisk.speech.voice import KEPT, Voice
from gateway.asterisk.text import Texts
from gateway.calling import Batch, CallDesk, Target
from gateway.clock import ReactorClock, wall
from gateway.compose import Composer
from gateway.config import Site
from gateway.delivery import Delivery
from gateway.directory import Directory
from gateway.formats import Formats
from gateway.hands import HouseHands
from gateway.inbox import Inbox
from gateway.locale import translator
from gateway.poller import Repeat
from gateway.service import in_thread, spawn
from gateway.store import Accepted, Store
from gateway.switchboard import by_context

log = structlog.get_logger()

#: How often sounds that hold what was said of patients are looked through for old ones, seconds.
SWEEP = 3600.0
#: What the beat writes: callers hear Wardline only while the store still takes something.
BEAT = "telephone beat"


class Stranger(Exception):
    """A call came for which nobody waits: Asterisk tells whoever answered to call the laboratory."""


class Telephone:
    """A site's telephone. `desk` is the dispatcher's; `attach` before the first call can come."""

    def __init__(
        self,
        reactor: Any,
        site: Site,
        *,
        store: Store,
        directory: Directory,
        alarms: Alarms,
        access: Access,
        clock: ReactorClock,
        node: str,
    ) -> None:
        settings = site.telephony
        assert settings is not None, "a site without [telephony] has none of this"
        self._reactor = reactor
        self._site = site
        self._settings = settings
        self._store = store
        self._directory = directory
        self._alarms = alarms
        self._clock = clock
        self._house: House | None = None
        self._zone = ZoneInfo(site.site.timezone)
        self._sounds = site.path(site.site.data) / "speech"
        self._voice = self._speaking()
        self._access = access
        self.asterisk = Telephony(
            settings,
            self._talk,
            numbers=by_context(site),
            alive=self._alive,
            wall=wall,
            tell=self._told,
            reactor=reactor,
            base=site.base,
            data=site.path(site.site.data),
        )
        handsets = [p.number for p in settings.phones] if settings.texts else []
        self._texts = Texts(
            self.asterisk.link, handsets=handsets, sender=settings.caller or self.line or "0"
        )
        self.desk = CallDesk(
            store,
            directory,
            phone=self.asterisk.phone,
            tell=alarms,
            clock=clock,
            zone=self._zone,
            node=node,
            concurrent=settings.concurrent,
            ring=settings.ring,
            longest=settings.longest,
            text=self._text,
        )

    @property
    def line(self) -> str:
        """The first number that answers by itself; "" for none."""
        return self._settings.lines[0].number if self._settings.lines else ""

    async def attach(
        self,
        *,
        inbox: Inbox,
        formats: Formats,
        composer: Composer,
        accepted: Callable[[Accepted], None],
        listen: Callable[[], Awaitable[None]],
    ) -> None:
        """What a conversation needs of the rest of the house."""
        hands = HouseHands(
            self._store,
            self._directory,
            inbox=inbox,
            alarms=self._alarms,
            clock=self._clock,
            accepted=accepted,
            listen=listen,
            sounds=self._sounds,
            aside=in_thread(self._reactor),
        )
        self._house = House(
            store=self._store,
            directory=self._directory,
            voice=self._voice,
            access=self._access,
            hands=hands,
            clock=self._clock,
            lexicons=self._lexicons,
            read=formats.read,
            corrections=composer.corrections,
            zone=self._site.site.timezone,
            platform=self._site.platform is not None,
        )
        spawn(self._warm(self._house), "voice")

    async def _warm(self, house: House) -> None:
        """Make ready what every caller hears first: nobody waits for an engine to say good day. An engine
        that is missing is told of now, not by the first caller."""
        for language in self._lexicons:
            for text in opening(translator(language)):
                await house.voice.say(text, language)

    def services(self) -> tuple[Service, ...]:
        sweep = Repeat(self._purge, every=SWEEP, clock=self._clock, what="sounds")
        return (self.asterisk, sweep)

    # -- conversations

    async def _talk(self, call: Call) -> None:
        """What Asterisk asks for each call that is answered, whoever placed it."""
        house = self._house
        if house is None:
            raise Stranger
        if not call.token:
            await answer(call, house=house)
            return
        batch = self.desk.batch(call.token)
        if batch is None:
            raise Stranger
        await notified(call, batch, house)

    async def _text(self, target: Target, *, ward: str, results: int) -> None:
        _ = translator(self._site.site.language)
        said = _.plural(
            "{n} critical result for {ward}.",
            "{n} critical results for {ward}.",
            results,
            ward=self._directory.ward(ward).name,
        )
        if self.line:
            said += " " + _("Wardline rings you now; or dial {line}.", line=self.line)
        await self._texts.send(target.number, said)

    # -- what Asterisk asks of us

    async def _alive(self) -> None:
        await self._store.remember(BEAT, {}, at=self._clock.now())

    async def _told(self, lost: bool, why: str) -> None:
        topic = "telephone lost" if lost else "telephone back"
        await self._alarms(topic, subject="Asterisk", reason=why)

    # -- the voice

    def _speaking(self) -> Voice:
        speech = self._settings.speech
        own = {
            language: lexicon.read(self._site.path(p)) for language, p in speech.lexicons.items()
        }
        languages = {self._settings.language, *(line.language for line in self._settings.lines)}
        self._lexicons: dict[str, Lexicon] = {
            language: own.get(language) or lexicon.built_in(language)
            for language in sorted(languages, key=lambda word: word != self._settings.language)
        }
        folders = [recordings.HOME]
        if speech.recordings is not None:
            folders.append(self._site.path(speech.recordings))
        return Voice(
            speech,
            Engine(speech, reactor=self._reactor),
            lexicons=self._lexicons,
            recordings={word: recordings.read(word, *folders) for word in self._lexicons},
            cache=self._sounds,
            now=wall,
            aside=in_thread(self._reactor),
        )

    async def _purge(self) -> None:
        before = wall() - KEPT
        await in_thread(self._reactor)(partial(self._voice.purge, before=before))


async def notified(call: Call, batch: Batch, house: House) -> Outcome:
    """Tell whoever answers what waits for this telephone; what they acknowledge is in the store by then."""
    batch.detail = str(Ending.NOBODY)  # a conversation has begun: it is not cut off

    async def more() -> tuple[Delivery, ...]:
        return tuple(item.delivery for item in await batch.more())

    outcome = await notify(
        call,
        Conversation(
            ward=batch.ward,
            deliveries=tuple(item.delivery for item in batch.left()),
            number=batch.target.number,
            more=more,
        ),
        house=house,
    )
    has = set(outcome.acknowledged)
    batch.done |= {item.stored.id for item in batch.items if item.delivery.id in has}
    batch.detail = str(outcome.ending)
    batch.wrong_number = outcome.ending is Ending.WRONG_NUMBER
    return outcome
