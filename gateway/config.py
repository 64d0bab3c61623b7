"""The site's file: read the TOML, report every fault at once with its place."""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gateway import registry, staff
from gateway.asterisk.settings import TelephonySettings
from gateway.delivery import Step
from gateway.directory import (
    LAB,
    PAPER,
    PLATFORM,
    Directory,
    Ward,
    folded,
)
from gateway.fax import numbers as fax
from gateway.hl7 import Limits, Range
from gateway.message import Priority
from gateway.settings import Duration, Name, Settings
from gateway.staff import PersonSettings, RosterSettings
from gateway.web import settings as web
from gateway.web.settings import ConsoleSettings
from printers.pages.trial import trial

STEPS = ("platform", *PAPER)
CALLS = ("call", "courier")


class Faults(Exception):
    """The site's file cannot be used; `faults` are one line each, with the place."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


class SiteSettings(Settings):
    code: Name
    name: Name
    language: Literal["fr", "en"] = "fr"
    timezone: str = "Europe/Paris"
    data: Path = Path("./var")
    drill: bool = False  # every output says EXERCICE
    phone: str = ""  # whom to call about Wardline itself


class StoreSettings(Settings):
    url: str = "sqlite:///./var/wardline.db"
    retention: Duration = 30 * 86400.0  # content older than this is forgotten, its proof stays


class WardSettings(Settings):
    code: Name
    name: Name
    aliases: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    neighbours: tuple[str, ...] = ()
    phone: str = ""
    floor: str = ""
    contact: str = ""
    roster: str = ""  # who is called when nobody answers in the ward
    fax: str = ""


class LabSettings(Settings):
    devices: tuple[str, ...] = Field(min_length=1)
    name: str = ""
    phone: str = ""


class StepSettings(Settings):
    by: str
    within: Duration | None = None
    to: str = ""  # of a call: "ward", "roster", "lab" or the name of a roster


class PlanSettings(Settings):
    steps: tuple[StepSettings, ...] = Field(min_length=1)
    calls: tuple[StepSettings, ...] = ()  # beside the paper, until a person has it
    expires: Duration = 7200.0  # past this a waiting slip is replaced by one summary


class LimitSettings(Settings):
    """Per-analyte critical limits: at or beyond them a value is critical whatever OBX-8 says."""

    code: Name
    low: float | None = None
    high: float | None = None
    unit: str = ""


class PacksSettings(Settings):
    """When a ward's last results are printed without anybody asking."""

    at_outage: bool = False  # at the beginning of each outage
    every: Annotated[Duration, Field(ge=60.0)] | None = None  # and so often while it lasts
    reach: Annotated[Duration, Field(gt=0.0)] = 72 * 3600.0  # results older than this are left out


class LabelSettings(Settings):
    """Specimen labels of orders, in wards that have a label printer."""

    within: Duration = 120.0  # then they come out on a slip


class DocumentsSettings(Settings):
    """What pages look like."""

    templates: Path | None = None  # a directory of .typ files that stand before the shipped ones


class Site(BaseModel):
    """A whole site as its administrator wrote it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    site: SiteSettings
    store: StoreSettings = StoreSettings()
    platform: Any = None
    intakes: tuple[Any, ...] = ()
    devices: tuple[Any, ...] = ()
    wards: tuple[WardSettings, ...] = ()
    lab: LabSettings
    plans: dict[Priority, PlanSettings] = {}
    limits: tuple[LimitSettings, ...] = ()
    packs: PacksSettings = PacksSettings()
    labels: LabelSettings = LabelSettings()
    documents: DocumentsSettings = DocumentsSettings()
    people: tuple[PersonSettings, ...] = ()
    rosters: tuple[RosterSettings, ...] = ()
    telephony: TelephonySettings | None = None
    console: ConsoleSettings | None = None
    base: Path = Path()  # what relative paths start from; set by `read`
    file: Path = Path()  # where it was read; set by `read`

    @model_validator(mode="after")
    def _fill_plans(self) -> Site:
        for priority in Priority:
            self.plans.setdefault(priority, _DEFAULT_PLAN)
        return self

    def path(self, relative: Path | str) -> Path:
        return (self.base / Path(relative)).absolute()

    def templates(self) -> Path | None:
        given = self.documents.templates
        return None if given is None else self.path(given)

    def database(self) -> Path:
        """The SQLite file of the store."""
        return self.path(self.store.url.removeprefix("sqlite:///"))

    def directory(self) -> Directory:
        wards = {w.code: Ward(**w.model_dump()) for w in self.wards}
        media = {d.name: registry.medium(d.kind) for d in self.devices}
        name = self.lab.name or ("Laboratoire" if self.site.language == "fr" else "Laboratory")
        lab = Ward(code=LAB, name=name, devices=self.lab.devices, phone=self.lab.phone)
        return Directory.of(
            wards,
            lab=lab,
            media=media,
            people={p.code: p.person(self.path) for p in self.people},
            rosters={r.name: r.roster() for r in self.rosters},
        )

    def steps(self, priority: Priority) -> tuple[Step, ...]:
        return tuple(Step(by=s.by, within=s.within) for s in self.plans[priority].steps)

    def calls(self, priority: Priority) -> tuple[Step, ...]:
        return tuple(Step(by=s.by, within=s.within, to=s.to) for s in self.plans[priority].calls)

    def label_steps(self) -> tuple[Step, ...]:
        return (Step(by="label", within=self.labels.within), Step(by="slip"))

    def critical_limits(self) -> Limits:
        return Limits(
            ranges={x.code: Range(low=x.low, high=x.high, unit=x.unit) for x in self.limits}
        )


_DEFAULT_PLAN = PlanSettings(
    steps=(
        StepSettings(by="platform", within="10s"),  # type: ignore[arg-type]
        StepSettings(by="slip", within="30s"),  # type: ignore[arg-type]
        StepSettings(by="neighbour", within="30s"),  # type: ignore[arg-type]
        StepSettings(by="courier"),
    )
)


def read(path: Path) -> Site:
    """The site in the file at `path`. Raises Faults with every fault that could be found."""
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise Faults([f"{path}: {error.strerror}"]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Faults([f"{path}: not TOML: {error}"]) from error
    return parse(table, base=_base(path)).model_copy(update={"file": path.absolute()})


def parse(table: Mapping[str, Any], *, base: Path) -> Site:
    """The site in a TOML table. Raises Faults."""
    faults: list[str] = []
    typed = dict(table)
    typed["intakes"] = _each(table.get("intakes", ()), registry.INTAKES, "intakes", faults)
    typed["devices"] = _each(table.get("devices", ()), registry.CHANNELS, "devices", faults)
    if "platform" in table:
        typed["platform"] = _one(table["platform"], registry.PLATFORMS, "platform", faults)
    site: Site | None = None
    try:
        site = Site.model_validate({**typed, "base": base})
    except ValidationError as error:
        faults.extend(_lines(error, ""))
    if site is not None:
        faults.extend(_crossed(site))
    if faults or site is None:
        raise Faults(faults)
    return site


def _base(path: Path) -> Path:
    """Relative paths start beside the site's file; where that folder is read-only, where one stands."""
    folder = path.absolute().parent
    writable = os.access(folder, os.W_OK) and folder.stat().st_mode & stat.S_IWUSR
    return folder if writable else Path.cwd()


def _each(
    tables: object, kinds: Mapping[str, str], place: str, faults: list[str]
) -> tuple[Any, ...]:
    if not isinstance(tables, list | tuple):
        faults.append(f"{place}: write each as [[{place}]]")
        return ()
    named = (_one(t, kinds, _place(place, i, t), faults) for i, t in enumerate(tables))
    return tuple(x for x in named if x is not None)


def _one(table: Any, kinds: Mapping[str, str], place: str, faults: list[str]) -> Any:
    if not isinstance(table, Mapping):
        faults.append(f"{place}: must be a table")
        return None
    try:
        module = registry.load(kinds, str(table.get("kind", "")))
        return module.Settings.model_validate(dict(table))
    except registry.Unknown as unknown:
        faults.append(f"{place}.kind: {unknown}")
    except ValidationError as error:
        faults.extend(_lines(error, place))
    return None


def _place(place: str, index: int, table: object) -> str:
    name = table.get("name") if isinstance(table, Mapping) else None
    return f'{place}["{name}"]' if isinstance(name, str) else f"{place}[{index}]"


def _lines(error: ValidationError, place: str) -> Iterator[str]:
    for fault in error.errors():
        where = ".".join(str(part) for part in (*([place] if place else []), *fault["loc"]))
        yield f"{where or 'site'}: {fault['msg'].removeprefix('Value error, ')}"


def _crossed(site: Site) -> Iterator[str]:
    """Faults between tables: names that are not there, or twice."""
    yield from _twice("intakes", [i.name for i in site.intakes])
    yield from _twice("devices", [d.name for d in site.devices])
    yield from _twice("wards", [w.code for w in site.wards])
    yield from _words(site.wards)
    devices = {d.name for d in site.devices}
    wards = {w.code for w in site.wards}
    for ward in site.wards:
        yield from _missing(f'wards["{ward.code}"].devices', ward.devices, devices, "device")
        yield from _missing(f'wards["{ward.code}"].neighbours', ward.neighbours, wards, "ward")
        if ward.code in (LAB, PLATFORM):
            yield f'wards["{ward.code}"].code: this word is Wardline\'s own, choose another'
    yield from _missing("lab.devices", site.lab.devices, devices, "device")
    if site.console is not None:
        yield from web.faults(site.console, site.people, path=site.path)
    yield from staff.faults(site.people, site.rosters, wards=wards, path=site.path)
    for ward in site.wards:
        given = (ward.roster,) if ward.roster else ()
        rosters = {r.name for r in site.rosters}
        yield from _missing(f'wards["{ward.code}"].roster', given, rosters, "roster")
    yield from _plans(site)
    yield from _faxes(site)
    yield from _rest(site)


def _twice(place: str, names: Sequence[str]) -> Iterator[str]:
    for name in sorted({n for n in names if names.count(n) > 1}):
        yield f'{place}["{name}"]: there are two of this name'


def _words(wards: Sequence[WardSettings]) -> Iterator[str]:
    """A location must mean one ward only: a result must never go to the other one."""
    owner: dict[str, str] = {}
    for ward in wards:
        for word in {folded(w) for w in (ward.code, *ward.aliases, ward.name)}:
            if owner.setdefault(word, ward.code) != ward.code:
                yield f'wards["{ward.code}"]: "{word}" already means ward {owner[word]}'


def _missing(place: str, names: Sequence[str], known: set[str], what: str) -> Iterator[str]:
    for name in names:
        if name not in known:
            yield f'{place}: there is no {what} "{name}"'


def _plans(site: Site) -> Iterator[str]:
    for priority, plan in site.plans.items():
        place = f"plans.{priority}.steps"
        for index, step in enumerate(plan.steps):
            if step.by not in STEPS:
                yield f'{place}[{index}].by: no step "{step.by}": there is {", ".join(STEPS)}'
            if step.by == "platform" and index > 0:
                yield f"{place}[{index}]: the platform can only be the first step"
            if step.within is None and index + 1 < len(plan.steps):
                yield f"{place}[{index}]: needs `within`, or the steps after it never come"
        if all(step.by == "platform" for step in plan.steps):
            yield f"{place}: needs a step on paper after the platform"
        yield from _calls(site, priority, plan)


def _calls(site: Site, priority: Priority, plan: PlanSettings) -> Iterator[str]:
    """Whom to call must be known, and the last word is never a telephone's."""
    place = f"plans.{priority}.calls"
    known = {"ward", "roster", "lab", *(r.name for r in site.rosters)}
    for index, step in enumerate(plan.calls):
        if step.by not in CALLS:
            yield f'{place}[{index}].by: no step "{step.by}": there is {", ".join(CALLS)}'
        if step.by == "call" and step.to not in known:
            yield f'{place}[{index}].to: nobody "{step.to}": there is {", ".join(sorted(known))}'
        if step.within is None and index + 1 < len(plan.calls):
            yield f"{place}[{index}]: needs `within`, or the steps after it never come"
    if plan.calls and site.telephony is None:
        yield f"{place}: without a [telephony] nobody can be called"
    if plan.calls and plan.calls[-1].by != "courier":
        yield f'{place}: its last step must be {{ by = "courier" }}: somebody walks'


def _faxes(site: Site) -> Iterator[str]:
    phone = site.telephony
    yield from fax.faults(
        site.devices,
        site.wards,
        lines=phone.faxes if phone else None,
        ours=[line.number for line in phone.lines] if phone else (),
    )


def _rest(site: Site) -> Iterator[str]:
    if not site.store.url.startswith("sqlite:///"):
        yield f'store.url: "{site.store.url}" is not sqlite:///PATH, the one store of this version'
    try:
        ZoneInfo(site.site.timezone)
    except Exception:  # noqa: BLE001 - zoneinfo raises four kinds for a bad name
        yield f'site.timezone: no time zone "{site.site.timezone}"'
    templates = site.templates()
    if templates is not None and not templates.is_dir():
        yield f'documents.templates: there is no directory "{templates}"'
    elif templates is not None:
        yield from (f"documents.templates: {fault}" for fault in trial(templates))
    if site.platform is None and (site.packs.at_outage or site.packs.every):
        yield "packs: without a [platform] there is no outage to print them in"
    yield from _relayed(site)
    if site.platform is None and any(i.mode == "relay" for i in site.intakes):
        yield "platform: an intake in mode relay needs a [platform]"


def _relayed(site: Site) -> Iterator[str]:
    """What an intake is to pass on must be sent to the platform by every plan."""
    if not any(intake.mode == "relay" for intake in site.intakes):
        return
    for priority, plan in site.plans.items():
        if plan.steps[0].by != "platform":
            yield f"plans.{priority}.steps: an intake in mode relay needs the platform as first step"
