"""`python -m benchmarks.call_server FILE`: Wardline's telephone alone, asking every caller for a code.

FILE holds [telephony] as JSON; each code keyed is appended to `keyed` beside it.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import react

from gateway.asterisk.role import Call, Prompt
from gateway.asterisk.service import Telephony
from gateway.asterisk.settings import TelephonySettings


async def main(reactor: Any, file: Path, settings: TelephonySettings) -> None:
    said = Prompt(str(settings.pbx.etc / "sounds" / "fr" / "absent"))
    keyed = file.with_name("keyed")

    async def program(call: Call) -> None:
        code = await call.ask(digits=6)  # in silence, so that the words after it stay whole
        with keyed.open("a") as out:
            out.write(f"{code}\n")
        await call.say(said)

    async def tell(lost: bool, why: str) -> None:
        """Nobody to tell."""

    telephony = Telephony(
        settings,
        program,
        numbers=lambda context: (),
        alive=lambda: succeed(None),
        wall=time.time,
        tell=tell,
        reactor=reactor,
        base=file.parent,
        data=file.parent,
    )

    await telephony.startService()
    print("ready", flush=True)
    await Deferred()  # until it is stopped


if __name__ == "__main__":
    path = Path(sys.argv[1])
    known = TelephonySettings.model_validate(json.loads(path.read_text("utf-8")))
    react(lambda reactor: Deferred.fromCoroutine(main(reactor, path, known)))
