"""What must hold in every night, whatever fails: looked at while it passes, and when all is mended."""

from __future__ import annotations

import re
from collections import Counter

from gateway.policy import LONGEST_PAUSE
from gateway.router import Mode
from gateway.store.verify import verify
from tests.flow.night import Broken, Night

#: How long a row may be due, seconds, while whoever works its lane could and does not.
PROMPT = 1.5
#: What is due and may go: nothing overtakes what is being tried for the same patient, and on the way to
#: the platform nothing overtakes what waits to be tried again.
_DUE = """
SELECT lane, min(due) FROM delivery d WHERE state = 'open' AND due < ?1 AND NOT EXISTS (
    SELECT 1 FROM delivery o WHERE o.lane = d.lane AND d.patient_key <> ''
    AND (o.message_id, o.id) < (d.message_id, d.id)
    AND o.patient_key = d.patient_key
    AND (o.state = 'sending' OR o.lane = 'platform' AND o.state = 'open' AND o.due > ?1)
) GROUP BY lane
"""
#: What waits for its printer to be well again. What may be on paper already waits longer.
_PARKED = """
SELECT lane, min(due) FROM delivery WHERE state = 'open' AND due > ? AND NOT doubtful AND cycles = 0
AND (lane LIKE '%/slip' OR lane LIKE '%/neighbour' OR lane LIKE '%/courier') GROUP BY lane
"""
_TOKEN = re.compile(r"\bQ\d{5}\b")
_MARKED = re.compile("DUPLICATA")
_WHOM = re.compile("Cardiologie|Neurologie|Laboratoire")
_WHY = re.compile("Motif .*")


def is_prompt(night: Night) -> None:
    """Nothing that could go on waits for nobody."""
    now = night.time.now()
    for lane, due in night.rows(_DUE, now - PROMPT):
        if _could_go_on(night, lane):
            raise Broken(f"{lane}: due for {now - due:.1f} s and nobody works on it")
    for lane, due in night.rows(_PARKED, now + LONGEST_PAUSE + 1.0):
        if _well_since(night, lane, now - PROMPT) and _could_go_on(night, lane):
            raise Broken(f"{lane}: waits {due - now:.0f} s for a printer that is well")
    for lane, row in night.rows("SELECT lane, id FROM delivery WHERE state = 'sending'"):
        if not _worked_on(night, lane, row):
            raise Broken(f"{lane}: delivery {row} is claimed and nobody works on it")


def _worked_on(night: Night, lane: str, row: int) -> bool:
    if lane == "platform":
        return row in night.dispatcher._relay._flying
    if lane.endswith("/call"):
        return lane in night.calling._working
    return any(lane == worked for worked, _ in night.dispatcher._working)


def _well_since(night: Night, lane: str, moment: float) -> bool:
    """Whether a printer of that lane has been usable since then."""
    names = night.dispatcher._devices(lane)
    return any(night.health.usable(name) and night.health[name].since <= moment for name in names)


def _could_go_on(night: Night, lane: str) -> bool:
    if lane.endswith(("/confirm", "/call")):  # a deadline's, and a telephone's own pace
        return False
    if lane == "platform":
        relay = night.dispatcher._relay
        return not relay._pumping and not relay._flying
    devices = night.dispatcher._devices(lane)
    usable = [name for name in devices if night.health.usable(name)]
    if any((lane, name) in night.dispatcher._working for name in (*usable, "")):
        return False
    return all(not night.dispatcher.gate(name).locked for name in usable)


def ends_well(night: Night) -> None:
    """When all is mended and time has passed, every promise has been kept."""
    _nothing_open(night)
    _everything_arrived(night)
    _nothing_twice_unmarked(night)
    _numbers_have_no_gap(night)
    _platform_has_all(night)
    verdict = verify(night.path)
    if not verdict.ok:
        raise Broken(f"the journal: {verdict.reason}")


def _nothing_open(night: Night) -> None:
    for row in night.rows(
        "SELECT id, message_id, lane, state, due - ?, reason FROM delivery"
        " WHERE state IN ('open', 'sending', 'held')",
        night.time.now(),
    ):
        if not row[2].endswith("/call"):
            raise Broken(f"not final in the end: {row}")


def _everything_arrived(night: Night) -> None:
    at_platform = Counter(token_of(raw) for raw in night.received)
    printed = {token for slips in _tokens(night).values() for token, _ in slips}
    replaced = {
        token_of(raw)
        for (raw,) in night.rows(
            "SELECT c.raw FROM delivery d JOIN content c ON c.message_id = d.message_id"
            " WHERE d.purpose = 'ward' AND d.state IN ('superseded', 'withdrawn')"
            " OR d.message_id IN (SELECT message_id FROM acknowledgement WHERE accepted)"
        )
    }
    for token in night.sent:
        if token not in at_platform.keys() | printed | replaced:
            raise Broken(f"{token} was acknowledged and is nowhere")


def _tokens(night: Night) -> dict[str, list[tuple[str, str]]]:
    """By printer, what each slip is about (a control id stands in its comment), and its text."""
    return {
        name: [
            (token, slip.text)
            for slip in printer.slips
            for token in dict.fromkeys(_TOKEN.findall(slip.text))
        ]
        for name, printer in night.printers.items()
    }


def _nothing_twice_unmarked(night: Night) -> None:
    for name, slips in _tokens(night).items():
        seen: set[tuple[str, ...]] = set()
        for token, text in slips:
            if night.sent[token].family not in text:
                raise Broken(f"{name}: {token} with another patient:\n{text}")
            # Told next door and at the lab, for the ward and because no telephone was answered:
            # each of them says whom it is for, and why.
            meant = (token, *_WHOM.findall(text)[:1], *_WHY.findall(text))
            if meant in seen and not _MARKED.search(text):
                raise Broken(f"{name}: {meant} twice, unmarked:\n{text}")
            seen.add(meant)


def _numbers_have_no_gap(night: Night) -> None:
    for ward, last in night.rows("SELECT recipient, last FROM series"):
        used = {
            row[0]
            for row in night.rows(
                "SELECT DISTINCT a.slip FROM attempt a JOIN delivery d ON d.id = a.delivery_id"
                " WHERE d.recipient = ? AND a.slip IS NOT NULL",
                ward,
            )
        }
        if used != set(range(1, last + 1)):
            raise Broken(f"{ward}: numbers {sorted(set(range(1, last + 1)) ^ used)}")


def _platform_has_all(night: Night) -> None:
    if night.mode is not Mode.RELAY:
        return
    times = Counter(token_of(raw) for raw in night.received)
    refused = {  # five times while it was well, which is told
        token_of(raw)
        for (raw,) in night.rows(
            "SELECT c.raw FROM delivery d JOIN content c ON c.message_id = d.message_id"
            " WHERE d.recipient = 'PLATFORM' AND d.state = 'refused'"
        )
    }
    for token, sample in night.sent.items():
        if not times[token] and token not in refused:
            raise Broken(f"{token} never came to the platform")
        if times[token] > 1 + night.marked.count(sample.control_id):
            raise Broken(f"{token} came to the platform {times[token]} times, unmarked")


def token_of(raw: bytes) -> str:
    found = _TOKEN.search(raw.decode("utf-8"))
    return found[0] if found else ""
