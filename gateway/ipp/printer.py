"""What Wardline asks of a printer, each question in its words and each answer taken apart (RFC 8011)."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from gateway.ipp.errors import Nonsense
from printers.ipp import Group, JobState, Operation, Packet, PrinterState, Range, Tag, Value
from printers.ipp.names import Answer, said
from printers.ipp.reasons import hints, reasons, stops

USER = "wardline"
#: Finished jobs looked through for ours; the newest come first.
_HISTORY = 100
_WANTED = """printer-state printer-state-reasons printer-is-accepting-jobs printer-up-time
    document-format-supported operations-supported printer-input-tray sides-supported media-supported
    media-source-supported copies-supported job-creation-attributes-supported
    pwg-raster-document-type-supported pwg-raster-document-resolution-supported
    pwg-raster-document-sheet-back""".split()
_OF_A_JOB = """job-id job-name job-state job-state-reasons job-impressions-completed
    job-printer-up-time""".split()


class Ask(Protocol):
    """Puts a question to one printer. Raises a `gateway.ipp.errors.Trouble`."""

    async def __call__(self, question: Packet, document: bytes = b"") -> Packet: ...


class Refused(Exception):
    """The printer answered, and does not do it: nothing came of the question."""

    def __init__(self, answer: Packet) -> None:
        words = (
            f"{said(answer.code)}: {answer.message[:200]}" if answer.message else said(answer.code)
        )
        super().__init__(words)
        self.code = answer.code


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """How a printer is, and what it can."""

    reasons: tuple[str, ...]
    hints: tuple[str, ...]
    accepting: bool
    up_time: int | None
    formats: tuple[str, ...]
    operations: tuple[int, ...]
    about: Group

    @property
    def stops(self) -> tuple[str, ...]:
        """Why it cannot print now; () when it can."""
        found = stops(self.reasons)
        return found if found or self.accepting else ("offline",)

    def holds(self, before: Condition) -> tuple[str, ...]:
        """Why a job that is not over does not go on; `before`: the printer when it began."""
        return self.stops or tuple(word for word in self.hints if word not in before.hints)

    @property
    def creates(self) -> bool:
        """It gives a job its number before it is sent the document."""
        return {Operation.CREATE_JOB, Operation.SEND_DOCUMENT} <= set(self.operations)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """How a job is."""

    id: int
    name: str
    state: int
    reasons: tuple[str, ...]
    impressions: int | None  # sides printed so far; None where the printer does not count

    @property
    def over(self) -> bool:
        return self.state >= JobState.CANCELED

    @property
    def blank(self) -> bool:
        """Certainly no side of it is on paper yet."""
        return self.impressions == 0


class Printer:
    """One printer, asked over `ask`. Every method raises a Trouble, or Refused."""

    def __init__(self, ask: Ask, uri: str, *, tray: str = "") -> None:
        self._ask = ask
        self._uri = uri
        self._tray = tray
        self._numbers = itertools.count(1)

    async def condition(self) -> Condition:
        answer = await self._put(
            Operation.GET_PRINTER_ATTRIBUTES, {"requested-attributes": _WANTED}
        )
        about = answer.first(Tag.PRINTER)
        if about.number("printer-state") not in set(PrinterState):
            raise Nonsense("no printer-state")
        return Condition(
            reasons=reasons(about, tray=self._tray),
            hints=hints(about),
            accepting=about.flag("printer-is-accepting-jobs") is not False,
            up_time=about.number("printer-up-time"),
            formats=about.words("document-format-supported"),
            operations=about.numbers("operations-supported"),
            about=about,
        )

    async def print_job(
        self, document: bytes, format: str, *, name: str, options: Mapping[str, Value]
    ) -> int:
        """Everything in one question; the number it was given."""
        words = {"job-name": name, "document-format": format}
        answer = await self._put(Operation.PRINT_JOB, words, job=options, document=document)
        return _number(answer)

    async def create_job(self, *, name: str, options: Mapping[str, Value]) -> int:
        return _number(await self._put(Operation.CREATE_JOB, {"job-name": name}, job=options))

    async def send_document(self, job: int, document: bytes, format: str) -> None:
        words = {"job-id": job, "document-format": format, "last-document": True}
        await self._put(Operation.SEND_DOCUMENT, words, document=document)

    async def validate(self, format: str, *, options: Mapping[str, Value]) -> None:
        await self._put(Operation.VALIDATE_JOB, {"document-format": format}, job=options)

    async def job(self, job: int) -> Record | None:
        """None when it knows no such job (any more)."""
        words = {"job-id": job, "requested-attributes": _OF_A_JOB}
        try:
            answer = await self._put(Operation.GET_JOB_ATTRIBUTES, words)
        except Refused as refused:
            if refused.code == Answer.NOT_FOUND:
                return None
            raise
        return _record(answer.first(Tag.JOB))

    async def find(self, name: str) -> Record | None:
        """The job of this name, waiting, printing or over; None when there is none."""
        for which in ("not-completed", "completed"):
            for group in await self._jobs(which):
                if group.word("job-name") == name:
                    return _record(group)
        return None

    async def waiting(self) -> list[Record]:
        """The jobs that are not over."""
        return [_record(group) for group in await self._jobs("not-completed")]

    async def cancel(self, job: int) -> None:
        await self._put(Operation.CANCEL_JOB, {"job-id": job})

    async def _jobs(self, which: str) -> tuple[Group, ...]:
        words = {"limit": _HISTORY, "which-jobs": which, "requested-attributes": _OF_A_JOB}
        return (await self._put(Operation.GET_JOBS, words)).all(Tag.JOB)

    async def _put(
        self,
        operation: Operation,
        words: Mapping[str, object],
        *,
        job: Mapping[str, Value] | None = None,
        document: bytes = b"",
    ) -> Packet:
        fixed = {
            "attributes-charset": (Value(Tag.CHARSET, "utf-8"),),
            "attributes-natural-language": (Value(Tag.LANGUAGE, "en"),),
            "printer-uri": (Value(Tag.URI, self._uri),),
        }
        # printer-uri and job-id stand first, the user behind them (RFC 8011 4.1.5, 4.3).
        named = {name: _values(name, words[name]) for name in words if name == "job-id"}
        named["requesting-user-name"] = (Value(Tag.NAME, USER),)
        named |= {name: _values(name, words[name]) for name in words if name != "job-id"}
        groups = [Group(Tag.OPERATION, {**fixed, **named})]
        if job:
            groups.append(Group(Tag.JOB, {name: (value,) for name, value in job.items()}))
        question = Packet(code=operation, request_id=next(self._numbers), groups=tuple(groups))
        answer = await self._ask(question, document)
        if not answer.ok:
            raise Refused(answer)
        return answer


_TAGS = {
    "job-name": Tag.NAME,
    "document-format": Tag.MEDIA_TYPE,
    "requested-attributes": Tag.KEYWORD,
    "which-jobs": Tag.KEYWORD,
}


def _values(name: str, content: object) -> tuple[Value, ...]:
    if isinstance(content, bool):
        return (Value(Tag.BOOLEAN, content),)
    if isinstance(content, int):
        return (Value(Tag.INTEGER, content),)
    each = content if isinstance(content, list) else [content]
    return tuple(Value(_TAGS[name], str(word)) for word in each)


def _number(answer: Packet) -> int:
    number = answer.first(Tag.JOB).number("job-id")
    if number is None:
        raise Nonsense("a job without a number")
    return number


def _record(group: Group) -> Record:
    number, state = group.number("job-id"), group.number("job-state")
    if number is None or state not in set(JobState):
        raise Nonsense("a job without number or state")
    assert state is not None
    return Record(
        id=number,
        name=group.word("job-name"),
        state=state,
        reasons=group.words("job-state-reasons"),
        impressions=group.number("job-impressions-completed"),
    )


def within(number: int, supported: Group, name: str) -> bool:
    """Does one of the ranges or numbers of this attribute hold `number`?"""
    for value in supported.attributes.get(name, ()):
        match value.content:
            case Range(low, high) if low <= number <= high:
                return True
            case int() as exact if exact == number:
                return True
    return False
