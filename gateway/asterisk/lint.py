"""Looks through Asterisk's files for what it would load in silence: places that do not exist, rights too
wide, words of a caller where they would be obeyed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

# What our modules.conf loads, and what is in Asterisk itself. Those that run programs, dial at a caller's
# word or listen in are not to be had.
APPLICATIONS = frozenset(
    "AGI Answer Busy Congestion Dial GotoIf Gosub Goto Hangup NoOp Playback ReceiveFAX Return SendFAX Set "
    "UserEvent Wait".split()
)
_RIGHTS = {"read": {"call", "user", "reporting"}, "write": {"originate", "call", "message"}}
_BANNED_MODULES = re.compile(
    r"app_(system|originate|disa|chanspy|mixmonitor|externalivr|exec|transfer|voicemail)|func_(shell|curl)|"
    r"pbx_(spool|lua|ael|dundi|realtime)|res_(http|ari|config_)|chan_(iax2|unistim)|"
    r"res_pjsip_endpoint_identifier_anonymous|cdr_|cel_"
)
# Text that a caller chooses. (What was dialled is held to whole numbers where calls come in.)
_CALLERS = re.compile(
    r"\$\{(CALLERID|CONNECTEDLINE|CALLERIDNAME|SIP|PJSIP_HEADER|REDIRECTING|CALLERPRES)\b"
)
_DIAL = re.compile(r"PJSIP/[0-9]{2,15}(@trunk)?|\$\{ARG1\}")
_LOOPBACK = re.compile(r"127\.\d+\.\d+\.\d+|::1|localhost")

Section = list[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One priority of the dialplan."""

    at: int
    context: str
    exten: str
    label: str
    application: str
    argument: str


@dataclass(slots=True)
class Plan:
    """A dialplan's contexts, extensions and labels, as far as they matter here."""

    lines: list[Line] = field(default_factory=list)
    contexts: set[str] = field(default_factory=set)

    def extens(self, context: str) -> set[str]:
        return {line.exten for line in self.lines if line.context == context}

    def labels(self, context: str, exten: str) -> set[str]:
        ours = [x for x in self.lines if (x.context, x.exten) == (context, exten)]
        return {str(n) for n in range(1, len(ours) + 1)} | {x.label for x in ours if x.label}


def lint(
    files: Mapping[str, str], *, sounds: Callable[[str, str], bool], languages: Sequence[str]
) -> list[str]:
    """Faults, one line each, with the file. `sounds(path, language)`: whether a prompt's file exists, where
    the dialplan's `${CHANNEL(language)}` is that language.
    """
    found = list(_missing_files(files))
    plan = read_plan(files.get("extensions.conf", ""))
    found += [f"extensions.conf:{at}: {fault}" for at, fault in _dialplan(plan, sounds, languages)]
    pjsip = files.get("pjsip.conf", "")
    comes_in = (*_entries(plan, pjsip), *_sealed(plan, pjsip))
    found += [f"extensions.conf: {fault}" for fault in comes_in]
    for name, check in (
        ("manager.conf", _manager),
        ("pjsip.conf", _pjsip),
        ("modules.conf", _modules),
        ("asterisk.conf", _main),
        ("logger.conf", _logger),
    ):
        found += [f"{name}: {fault}" for fault in check(sections(files.get(name, "")))]
    return found


def sections(text: str) -> list[tuple[str, Section]]:
    """A file's sections in their order, with what stands in brackets: "telephone](!)" is "telephone(!)"."""
    found: list[tuple[str, Section]] = []
    for line in map(_bare, text.splitlines()):
        if match := re.match(r"\[([^\]]+)\](\([^)]*\))?$", line):
            found.append((match[1] + (match[2] or ""), []))
        elif line and found:
            key, _, value = line.partition("=")
            found[-1][1].append((key.strip(), value.lstrip(">").strip()))
    return found


def read_plan(text: str) -> Plan:
    plan = Plan()
    context = exten = ""
    for at, raw in enumerate(text.splitlines(), start=1):
        line = _bare(raw)
        if match := re.match(r"\[([^\]]+)\]$", line):
            context = match[1]
            plan.contexts.add(context)
            continue
        match = re.match(
            r"(?:exten\s*=>?\s*([^,]+),|same\s*=>?\s*)(?:1|n)(?:\(([\w-]+)\))?,(\w+)(.*)$", line
        )
        if match is None:
            continue
        exten = (match[1] or exten).strip()
        argument = match[4].strip()
        argument = argument[1:-1] if argument.startswith("(") else argument
        plan.lines.append(
            Line(
                at=at,
                context=context,
                exten=exten,
                label=match[2] or "",
                application=match[3],
                argument=argument,
            )
        )
    return plan


def _bare(line: str) -> str:
    """Without its comment and outer blanks."""
    return re.split(r"(?<!\\);", line, maxsplit=1)[0].strip()


def _missing_files(files: Mapping[str, str]) -> Iterator[str]:
    for name in ("asterisk.conf", "extensions.conf", "manager.conf", "modules.conf", "pjsip.conf"):
        if name not in files:
            yield f"{name}: is not there"


def _dialplan(
    plan: Plan, sounds: Callable[[str, str], bool], languages: Sequence[str]
) -> Iterator[tuple[int, str]]:
    for line in plan.lines:
        checks = [
            _application(line),
            *(_target(plan, line, target) for target in _targets(line)),
            *(_sound(line, language, sounds) for language in languages),
            _words(line),
            _event(line),
            _dialled(line),
        ]
        yield from ((line.at, fault) for fault in checks if fault)


def _application(line: Line) -> str:
    known = {name.lower() for name in APPLICATIONS}
    return "" if line.application.lower() in known else f"{line.application} is not loaded here"


def _targets(line: Line) -> list[str]:
    match line.application.lower():
        case "goto":
            return [line.argument]
        case "gosub":
            return [re.sub(r"\(.*$", "", line.argument)]
        case "gotoif":
            after = line.argument.rpartition("?")[2]
            return [t for t in after.split(":") if t]
        case _:
            return []


def _target(plan: Plan, line: Line, target: str) -> str:
    parts = [part.strip() for part in target.split(",")]
    label = parts[-1]
    exten = parts[-2] if len(parts) > 1 else line.exten
    context = parts[-3] if len(parts) > 2 else line.context
    if "$" in target:
        return f"where {line.application} goes must be written out: {target}"
    if exten not in plan.extens(context):
        return f"there is no {context},{exten}"
    if label not in plan.labels(context, exten):
        return f"there is no {context},{exten},{label}"
    return ""


def _sound(line: Line, language: str, sounds: Callable[[str, str], bool]) -> str:
    if line.application.lower() != "playback":
        return ""
    path = line.argument.split(",")[0].replace("${CHANNEL(language)}", language)
    if "$" in path:
        return f"what is played must be written out: {line.argument}"
    return "" if sounds(path, language) else f"there is no sound {path} ({language})"


def _words(line: Line) -> str:
    if _CALLERS.search(line.argument):
        return "a caller's own text is used"
    if re.search(r"\b(SHELL|CURL|SYSTEM|EVAL)\(", line.argument):
        return "runs or fetches what it is told"
    if re.search(r"\$\[[^\]]*\$\{(EXTEN|DIALEDPEERNUMBER)", line.argument):
        return "what was dialled stands in an expression"
    return ""


def _event(line: Line) -> str:
    if line.application.lower() != "userevent":
        return ""
    loose = re.sub(r"\$\{URIENCODE\(\$\{[\w()]+\}\)\}", "", line.argument)
    return "a variable outside URIENCODE could add a field of its own" if "${" in loose else ""


def _dialled(line: Line) -> str:
    if line.application.lower() == "dial":
        target = line.argument.split(",")[0]
        return "" if _DIAL.fullmatch(target) else f"dials {target}: only written numbers may be"
    if line.application.lower() == "gosub" and "(" in line.argument:
        given = line.argument.partition("(")[2].rstrip(")")
        return "" if _DIAL.fullmatch(given) else f"dials {given}: only written numbers may be"
    return ""


def _entries(plan: Plan, pjsip: str) -> Iterator[str]:
    """Where calls come in there may be whole numbers only."""
    entries = {v for _, pairs in sections(pjsip) for k, v in pairs if k == "context"}
    for context in sorted(entries):
        if context not in plan.contexts:
            yield f"calls come into [{context}], which is not there"
        for exten in sorted(plan.extens(context)):
            if not re.fullmatch(r"[0-9]{2,15}", exten):
                yield f"[{context}] {exten}: where calls come in there may be whole numbers only"


def _sealed(plan: Plan, pjsip: str) -> Iterator[str]:
    """A transport says how we reach a telephone, not how it may reach us: that the dialplan has to ask."""
    found = sections(pjsip)
    templates = {n.partition("(")[0]: dict(p) for n, p in found if "(!" in n}
    for name, pairs in found:
        parents = name.partition("(")[2].strip("!,)").split(",")
        said = {k: v for p in parents for k, v in _inherited(templates, p, found).items()} | dict(
            pairs
        )
        if said.get("transport") != "tls" or said.get("type") not in (None, "endpoint"):
            continue
        open_ones = [
            line.exten
            for line in plan.lines
            if line.context == said.get("context")
            and "CHANNEL(pjsip,secure)" not in line.argument
            and line.application.lower() in ("goto", "gosub", "dial", "agi")
        ]
        for exten in open_ones:
            yield f"[{said['context']}] {exten}: must ask CHANNEL(pjsip,secure), [{name}] is of TLS"


def _manager(found: list[tuple[str, Section]]) -> Iterator[str]:
    for name, pairs in found:
        said = dict(pairs)
        if name == "general":
            if said.get("enabled") == "yes" and not _LOOPBACK.fullmatch(said.get("bindaddr", "")):
                yield "[general] bindaddr: on loopback only"
            continue
        if not ("deny" in said and "permit" in said):
            yield f"[{name}]: deny and permit must say from where"
        for way, wanted in _RIGHTS.items():
            more = {x.strip() for x in said.get(way, "").split(",") if x.strip()} - wanted
            if more:
                yield f"[{name}] {way}: {', '.join(sorted(more))} is more than Wardline needs"


def _pjsip(found: list[tuple[str, Section]]) -> Iterator[str]:
    known = {dict(p).get("endpoint", "") for _, p in found if dict(p).get("type") == "identify"}
    templates = {n.partition("(")[0]: dict(p) for n, p in found if "(!" in n}
    for name, pairs in found:
        if "(!" in name:
            continue
        bare, _, parents = name.partition("(")
        said: dict[str, str] = {}
        for parent in parents.rstrip(")").split(","):
            said |= _inherited(templates, parent, found)
        said |= dict(pairs)
        if said.get("type") == "endpoint" and not said.get("auth") and bare not in known:
            yield f"[{bare}]: anybody who writes this name could call"
        if said.get("type") == "endpoint" and said.get("allow_transfer", "yes") != "no":
            yield f"[{bare}]: allow_transfer must be no"


def _inherited(
    templates: Mapping[str, Mapping[str, str]], name: str, found: list[tuple[str, Section]]
) -> dict[str, str]:
    heads = [n for n, _ in found if n.partition("(")[0] == name and "(!" in n]
    said: dict[str, str] = {}
    for head in heads:
        for parent in head.partition("(")[2].rstrip(")").split(",")[1:]:
            said |= _inherited(templates, parent, found)
    return said | dict(templates.get(name, {}))


def _modules(found: list[tuple[str, Section]]) -> Iterator[str]:
    pairs = [pair for name, section in found if name == "modules" for pair in section]
    if ("autoload", "no") not in pairs:
        yield "autoload must be no"
    for key, value in pairs:
        if key in ("load", "preload", "require") and _BANNED_MODULES.match(value):
            yield f"{value} is not to be loaded"


def _main(found: list[tuple[str, Section]]) -> Iterator[str]:
    said = dict(pair for _, section in found for pair in section)
    if said.get("live_dangerously", "no") != "no":
        yield "live_dangerously must be no"


def _logger(found: list[tuple[str, Section]]) -> Iterator[str]:
    for name, section in found:
        for key, value in section:
            levels = {x.strip().partition("(")[0] for x in value.split(",")}
            bad = levels & {"verbose", "dtmf", "debug", "*"}
            if name == "logfiles" and bad:
                yield f"{key}: {', '.join(sorted(bad))} would write down what people key"
