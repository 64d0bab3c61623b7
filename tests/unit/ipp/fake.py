"""A page printer in memory: answers IPP packets as ippeveprinter does, and fails where it is told to."""

from __future__ import annotations

from dataclasses import dataclass

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from gateway.ipp.errors import Cut, Nonsense, Unreachable
from printers.ipp import Group, JobState, Operation, Packet, Tag, Value, decode, encode
from printers.ipp.names import Answer

SILENT = object()


@dataclass
class FakeJob:
    id: int
    name: str
    boot: int
    state: int = JobState.HELD
    reasons: tuple[str, ...] = ("job-data-insufficient",)
    impressions: int = 0
    pages: int = 1
    data: bytes = b""
    format: str = ""
    options: Group | None = None
    done: float = 0.0  # seconds of printing

    @property
    def over(self):
        return self.state >= JobState.CANCELED


class FakePrinter:
    """Is an `Ask`. `faults[operation]` is a list, one taken for each question: None (well), "away" (no
    connection), "lost" (cut before it was understood), "unheard" (done, and cut before the answer),
    "nonsense", or a number: the status it is refused with."""

    def __init__(self, clock, *, creates=True, counts=True, page_time=1.0, up=100):
        self.clock = clock
        self.creates = creates
        self.counts = counts
        self.page_time = page_time
        self.formats = ["application/pdf", "image/pwg-raster"]
        self.state, self.reasons = 3, ["none"]
        self.trays = []
        self.accepting = True
        self.extra = {}
        self.faults = {}
        self.asked = []
        self.paper = []  # what came out, page by page: (job name, page)
        self.jobs = []
        self.boots = 0
        self.away = False
        self.broken = None  # how every job ends: (state, reasons)
        self.closed = 0
        self._number = 0
        self._since = clock.seconds() - up
        self._seen = clock.seconds()

    # -- what happens to it

    def restart(self, *, down=5.0):
        self.jobs.clear()
        self.boots += 1
        self._number = 0
        self._since = self.clock.seconds() + down

    def trouble(self, *words):
        self._print()
        self.reasons = list(words) or ["none"]

    def close(self):
        self.closed += 1

    # -- asked

    async def __call__(self, question, document=b""):
        question, rest = decode(encode(question) + document)
        assert rest == document
        operation = Operation(question.code)
        self.asked.append(operation)
        await deferLater(self.clock, 0)
        fault = self._fault(operation)
        if self.away or fault == "away":
            raise Unreachable("cannot connect")
        if fault == "lost":
            raise Cut("the connection was lost")
        if fault is SILENT:
            await Deferred()
        self._print()
        answer = self._refuse(question, fault) if isinstance(fault, int) else None
        answer = answer or self._answer(operation, question, document)
        if fault == "unheard":
            raise Cut("the connection was lost")
        if fault == "nonsense":
            raise Nonsense("no HTTP")
        decoded, _ = decode(encode(answer))
        return decoded

    def _fault(self, operation):
        faults = self.faults.get(operation)
        return faults.pop(0) if faults else None

    def _answer(self, operation, question, document):
        about = question.first(Tag.OPERATION)
        assert list(about.attributes)[:2] == ["attributes-charset", "attributes-natural-language"]
        match operation:
            case Operation.GET_PRINTER_ATTRIBUTES:
                return self._packet(question, 0, Group(Tag.PRINTER, self._about()))
            case Operation.CREATE_JOB | Operation.PRINT_JOB:
                return self._take(question, about, document)
            case Operation.SEND_DOCUMENT | Operation.GET_JOB_ATTRIBUTES | Operation.CANCEL_JOB:
                return self._of_job(operation, question, about, document)
            case Operation.GET_JOBS:
                over = about.word("which-jobs") == "completed"
                found = [self._record(j) for j in self.jobs if j.over == over]
                return self._packet(question, 0, *found)
        return self._refuse(question, 0x0501)

    def _of_job(self, operation, question, about, document):
        job = self._job(about.number("job-id"))
        if job is None:
            return self._refuse(question, Answer.NOT_FOUND)
        if operation is Operation.SEND_DOCUMENT:
            self._receive(job, about, document)
        if operation is Operation.CANCEL_JOB:
            if job.over:
                return self._refuse(question, Answer.NOT_POSSIBLE)
            job.state, job.reasons = JobState.CANCELED, ("job-canceled-by-user",)
        return self._packet(question, 0, self._record(job))

    def _take(self, question, about, document):
        if any(not j.over for j in self.jobs):
            return self._refuse(question, Answer.BUSY)
        self._number += 1
        job = FakeJob(self._number, about.word("job-name"), self.boots)
        job.options = question.first(Tag.JOB)
        self.jobs.insert(0, job)
        if question.code == Operation.PRINT_JOB:
            self._receive(job, about, document)
        return self._packet(question, 0, self._record(job))

    def _receive(self, job, about, document):
        job.data, job.format = document, about.word("document-format")
        job.state, job.reasons = JobState.PROCESSING, ("job-printing",)
        self._print()

    def _job(self, number):
        return next((j for j in self.jobs if j.id == number), None)

    def _refuse(self, question, code):
        return self._packet(question, code)

    def _packet(self, question, code, *groups):
        head = Group(
            Tag.OPERATION,
            {
                "attributes-charset": (Value(Tag.CHARSET, "utf-8"),),
                "attributes-natural-language": (Value(Tag.LANGUAGE, "en"),),
            },
        )
        return Packet(code=code, request_id=question.request_id, groups=(head, *groups))

    # -- paper

    def _print(self):
        """Time passes for the job that prints, but not while anything stops it."""
        now = self.clock.seconds()
        passed, self._seen = now - self._seen, now
        held = not self.trays and any(r.split("-")[0] in ("media", "cover") for r in self.reasons)
        for job in self.jobs:
            if job.state != JobState.PROCESSING:
                continue
            if self.broken is not None:
                job.state, job.reasons = self.broken
                continue
            job.done += 0 if held else passed
            while (
                job.impressions < job.pages and job.done >= (job.impressions + 1) * self.page_time
            ):
                job.impressions += 1
                self.paper.append((job.name, job.impressions))
            if job.impressions == job.pages:
                job.state, job.reasons = JobState.COMPLETED, ("job-completed-successfully",)

    # -- said

    def _about(self):
        operations = [o for o in Operation if self.creates or o not in (5, 6)]
        about = {
            "printer-state": [(Tag.ENUM, self.state)],
            "printer-state-reasons": [(Tag.KEYWORD, r) for r in self.reasons],
            "printer-is-accepting-jobs": [(Tag.BOOLEAN, self.accepting)],
            "printer-up-time": [(Tag.INTEGER, max(1, int(self.clock.seconds() - self._since)))],
            "document-format-supported": [(Tag.MEDIA_TYPE, f) for f in self.formats],
            "operations-supported": [(Tag.ENUM, int(o)) for o in operations],
            "printer-input-tray": [(Tag.OCTETS, t) for t in self.trays],
            **self.extra,
        }
        return {name: tuple(Value(*v) for v in values) for name, values in about.items() if values}

    def _record(self, job):
        words = {
            "job-id": [(Tag.INTEGER, job.id)],
            "job-name": [(Tag.NAME, job.name)],
            "job-state": [(Tag.ENUM, int(job.state))],
            "job-state-reasons": [(Tag.KEYWORD, r) for r in job.reasons],
            "job-impressions-completed": [
                (Tag.INTEGER, job.impressions) if self.counts else (Tag.UNKNOWN, None)
            ],
        }
        return Group(Tag.JOB, {n: tuple(Value(*v) for v in vs) for n, vs in words.items()})
