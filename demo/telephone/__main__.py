"""`python -m demo.telephone`: a telephone that takes one call and presses keys whenever it has gone quiet.

What happens is told line by line into `transcript.txt` of the folder; what was heard is `call.wav` there.
"""

from __future__ import annotations

import argparse
import wave
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from demo.telephone.call import SipCall
from demo.telephone.phone import Phone
from demo.telephone.voice import RATE

#: Seconds without a packet after which the other side has finished its sentence.
QUIET = 1.2
#: Seconds that it must have spoken before that counts.
SPOKEN = 0.3
LOOK = 0.1


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m demo.telephone", description=__doc__)
    parser.add_argument("--server", required=True, metavar="HOST:PORT")
    parser.add_argument("--number", required=True)
    parser.add_argument("--password", required=True)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("keys", nargs="*", help="what is pressed, one after the other")
    options = parser.parse_args()
    react(lambda reactor: Deferred.fromCoroutine(_one_call(reactor, options)))


async def _one_call(reactor: Any, options: argparse.Namespace) -> None:
    host, _, port = options.server.rpartition(":")
    phone = Phone(reactor, options.number, password=options.password, server=(host, int(port)))
    phone.open()
    await phone.register()
    teller = _Teller(reactor, options.out / "transcript.txt")
    phone.after = 2.0
    coming = phone.rung()
    print("ready", flush=True)
    call = await coming
    teller.say("it rings")
    await call.answered
    teller.say("a nurse answers")
    for keys in options.keys:
        heard = await _sentence(reactor, call)
        if call.ended.past:
            break
        teller.say(f"hears {heard:.1f} s of speech, then presses {keys}")
        await call.press(keys)
    await call.ended
    teller.say("Wardline has hung up")
    _keep(call, options.out / "call.wav")
    await phone.close()


async def _sentence(reactor: Any, call: SipCall) -> float:
    """Waits until somebody has spoken and has finished; seconds of speech."""
    before = last = call.voice.packets
    quiet = 0.0
    while not call.ended.past:
        await _pause(reactor, LOOK)
        now = call.voice.packets
        quiet = quiet + LOOK if now == last else 0.0
        last = now
        spoken = (now - before) * 0.02
        if spoken > SPOKEN and quiet >= QUIET:
            break
    return (last - before) * 0.02


def _keep(call: SipCall, path: Path) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(call.heard.tobytes())


def _pause(reactor: Any, seconds: float) -> Deferred[None]:
    done: Deferred[None] = Deferred()
    reactor.callLater(seconds, done.callback, None)
    return done


class _Teller:
    """Lines with the second at which they happened."""

    def __init__(self, reactor: Any, path: Path) -> None:
        self._reactor = reactor
        self._path = path
        self._began = reactor.seconds()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("", "utf-8")

    def say(self, words: str) -> None:
        at = self._reactor.seconds() - self._began
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{at:5.1f} s  {words}\n")


if __name__ == "__main__":
    main()
