"""`python -m benchmarks.call_phones PORT COUNT SECONDS`: so many callers at once, told as JSON at the end."""

from __future__ import annotations

import json
import sys
from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.task import react

from demo.telephone.exchange import SECRET
from demo.telephone.phone import Phone

RAMP = 0.02  # seconds from one caller to the next: fifty dial within a second
PATIENCE = 15.0


class Callers:
    """What every caller met, seconds."""

    def __init__(self, phone: Phone, *, talk: float) -> None:
        self.phone = phone
        self.talk = talk
        self.codes: list[str] = []
        self.answer: list[float] = []
        self.voice: list[float] = []
        self.lost = self.packets = 0

    async def call(self, number: int) -> None:
        clock = self.phone.reactor
        await pause(clock, number * RAMP)
        began = clock.seconds()
        call = self.phone.dial("610")
        if not await call.answered:
            return
        self.answer.append(clock.seconds() - began)
        code = f"{100000 + number * 7}"
        self.codes.append(code)
        await pause(clock, 0.5)
        pressed = clock.seconds()
        await call.press(code)
        spent = clock.seconds() - pressed
        first = call.voice.packets
        waited = clock.seconds()
        while call.voice.packets == first and clock.seconds() - waited < PATIENCE:
            await pause(clock, 0.01)
        self.voice.append(clock.seconds() - waited)
        await pause(clock, max(0.0, self.talk - spent - 0.5))
        self.lost += call.voice.lost
        self.packets += call.voice.packets
        call.hang_up()


def pause(clock: Any, seconds: float) -> Deferred[None]:
    done: Deferred[None] = Deferred()
    clock.callLater(seconds, done.callback, None)
    return done


async def main(reactor: Any, port: int, count: int, *, talk: float) -> None:
    phone = Phone(reactor, "201", password=SECRET, server=("127.0.0.1", port)).open()
    await phone.register()
    callers = Callers(phone, talk=talk)
    await DeferredList([Deferred.fromCoroutine(callers.call(n)) for n in range(count)])
    await phone.close()
    told = {"codes": callers.codes, "answer": callers.answer, "voice": callers.voice}
    print(json.dumps(told | {"lost": callers.lost, "packets": callers.packets}))


if __name__ == "__main__":
    port, count, talk = sys.argv[1:]
    react(lambda r: Deferred.fromCoroutine(main(r, int(port), int(count), talk=float(talk))))
