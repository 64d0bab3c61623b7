"""The tables of HL7 and IPP that a slip speaks of, each code with its word."""

from __future__ import annotations

import re
from collections.abc import Mapping

from gateway.locale import N_
from gateway.message import Flag, Status

STATUS: Mapping[Status, str] = {
    Status.PRELIMINARY: N_("PRELIMINARY"),
    Status.PENDING: N_("PENDING"),
    Status.CORRECTED: N_("CORRECTED"),
    Status.WITHDRAWN: N_("WITHDRAWN"),
    Status.CANCELLED: N_("CANCELLED"),
}

# OBX-11 and OBR-25 (tables 0085 and 0123) where the code says more than the status.
STATUS_CODE: Mapping[tuple[Status, str], str] = {
    (Status.WITHDRAWN, "W"): N_("WITHDRAWN (wrong patient)"),
    (Status.WITHDRAWN, "D"): N_("WITHDRAWN (deleted)"),
    (Status.PRELIMINARY, "R"): N_("PRELIMINARY (not verified)"),
    (Status.PRELIMINARY, "S"): N_("PRELIMINARY (partial)"),
    (Status.PRELIMINARY, "A"): N_("PRELIMINARY (partial)"),
    (Status.PENDING, "I"): N_("PENDING (specimen in lab)"),
    (Status.CORRECTED, "M"): N_("CORRECTED (not final)"),
}

# PID-32, table 0445 as France uses it (IHE PAM-FR).
IDENTITY: Mapping[str, str] = {
    "VALI": N_("validated"),
    "PROV": N_("provisional"),
    "VIDE": N_("not yet checked"),
    "DOUB": N_("DOUBTFUL"),
    "FICTI": N_("FICTITIOUS"),
}

# ORC-1, table 0119.
CONTROL: Mapping[str, str] = {
    "NW": N_("NEW ORDER"),
    "CA": N_("CANCELLATION"),
    "OC": N_("CANCELLATION"),
    "CR": N_("CANCELLATION"),
    "DC": N_("ORDER STOPPED"),
    "OD": N_("ORDER STOPPED"),
    "XO": N_("ORDER CHANGED"),
    "XX": N_("ORDER CHANGED"),
    "RP": N_("ORDER REPLACED"),
    "RU": N_("ORDER REPLACED"),
    "RO": N_("NEW ORDER (replaces another)"),
    "SC": N_("STATUS CHANGED"),
    "HD": N_("ORDER ON HOLD"),
    "OH": N_("ORDER ON HOLD"),
    "RL": N_("HOLD RELEASED"),
    "UA": N_("ORDER REFUSED"),
    "AF": N_("ORDER REFILLED"),
}
CANCELLING = frozenset({"CA", "OC", "CR", "DC", "OD"})

# IPP printer-state-reasons (RFC 8011 5.4.12) and what our own plans give as a reason.
REASON: Mapping[str, str] = {
    "media-empty": N_("out of paper"),
    "media-low": N_("paper running out"),
    "media-jam": N_("paper jam"),
    "cover-open": N_("cover open"),
    "timed-out": N_("printer not answering"),
    "offline": N_("printer offline"),
    "other-error": N_("printer fault"),
    "other": N_("printer fault"),
    "paused": N_("printer paused"),
    "marker-supply-empty": N_("out of toner or ribbon"),
    "marker-supply-low": N_("toner or ribbon running out"),
    "output-full": N_("output tray full"),
    "busy": N_("printer busy with another job"),
    "untrusted": N_("not the printer that is known: certificate changed"),
    "shutdown": N_("printer switched off"),
    "connecting-to-device": N_("printer cannot be reached"),
    "unreachable": N_("printer cannot be reached"),
    "line-busy": N_("fax busy"),
    "no-answer": N_("fax not answering"),
    "call-rejected": N_("call refused"),
    "network-congestion": N_("telephone network overloaded"),
    "line-unreachable": N_("fax number cannot be reached"),
    "voice-answered": N_("somebody, or nothing, answered instead of a fax"),
    "fax-negotiation": N_("the two faxes did not understand each other"),
    "line-cut": N_("telephone line cut"),
    "partial-fax": N_("fax arrived in part only"),
    "wrong-station": N_("another fax answered than the one that is known"),
    "fax-untested": N_("fax number never tested"),
    "telephone-down": N_("no telephone"),
    "trouble": N_("printer fault"),
    "unknown": N_("printer state unknown"),
    "no device": N_("no printer in this ward"),
    "not confirmed": N_("the platform did not confirm"),
    "down": N_("the platform is down"),
    "expired": N_("waited too long"),
    "internal error": N_("internal error"),
    "connection refused": N_("connection refused"),
    "connection lost": N_("connection lost"),
    "closed by the platform": N_("connection lost"),
    "no answer in time": N_("no answer"),
    "no route": N_("no way to it"),
    "name not known": N_("name not known"),
    "unknown ward": N_("unknown ward"),
    "unroutable": N_("unknown ward"),
    "no packet comes back": N_("no packet comes back: network or machine"),
    "accepts connections but does not answer": N_("its machine answers, its program does not"),
    "connected but delivers nothing": N_("connected, but delivers nothing"),
    "credentials refused": N_("our name or password is refused"),
    "blocked by the broker: low on disk": N_("takes nothing more: its disk is full"),
    "blocked by the broker: low on memory": N_("takes nothing more: its memory is full"),
}
#: What a message bus must have and has no more, by the bus's own word for it.
GONE = re.compile(r"(queue|exchange|stream) (\S+) is gone")
GONE_WORDS: Mapping[str, str] = {
    "queue": N_("queue {name} is gone"),
    "exchange": N_("exchange {name} is gone"),
    "stream": N_("stream {name} is gone"),
}
SILENCE = re.compile(r"no answer (?:for|within) (\S+) s")  # how the watch says it
REASON_LEVEL = re.compile("-(?:error|warning|report)$")  # a printer may add it to a reason

WARNING: Mapping[str, str] = {
    "charset-doubtful": N_("Doubtful characters: check the name."),
    "no-name": N_("The message gives no name."),
    "no-identifier": N_("The message gives no patient number."),
    "no-patient": N_("The message gives no patient."),
    "several-patients": N_("The message names several patients: ask the lab."),
    "line-break-in-field": N_("The message was damaged on its way: compare with the lab."),
    "version-unknown": N_("Unknown message version: compare with the lab."),
    "processing-id-unknown": N_("Unknown kind of message: compare with the lab."),
    "limit-unit": N_("A value came in another unit than the site's critical limit: not judged."),
}

# OBR-24, table 0074: those a French hospital lab sends.
SECTION: Mapping[str, str] = {
    "BG": N_("Blood gases"),
    "BLB": N_("Blood bank"),
    "CG": N_("Cytogenetics"),
    "CH": N_("Chemistry"),
    "CP": N_("Cytopathology"),
    "CT": N_("CAT scan"),
    "HM": N_("Haematology"),
    "IMM": N_("Immunology"),
    "LAB": N_("Laboratory"),
    "MB": N_("Microbiology"),
    "MCB": N_("Mycobacteriology"),
    "MYC": N_("Mycology"),
    "RAD": N_("Radiology"),
    "SP": N_("Surgical pathology"),
    "SR": N_("Serology"),
    "TX": N_("Toxicology"),
    "VR": N_("Virology"),
}

# ERR-3, table 0357.
REFUSAL: Mapping[int, str] = {
    100: N_("segments in the wrong order"),
    101: N_("a required field is missing"),
    102: N_("a field is not of its type"),
    103: N_("a value is not in its table"),
    200: N_("unsupported message type"),
    201: N_("unsupported event"),
    202: N_("unsupported processing id"),
    203: N_("unsupported version"),
    204: N_("unknown key"),
    205: N_("duplicate key"),
    206: N_("record locked"),
    207: N_("internal error"),
}

FAULT: Mapping[str, str] = {
    "bad base64": N_("damaged on its way"),
    "bad hex": N_("damaged on its way"),
    "empty": N_("empty"),
}

MARK: Mapping[Flag, str] = {
    Flag.ABNORMAL: "A",
    Flag.LOW: "L",
    Flag.HIGH: "H",
    Flag.CRITICAL: "AA",
    Flag.CRITICAL_LOW: "LL",
    Flag.CRITICAL_HIGH: "HH",
    Flag.RESISTANT: "R",
    Flag.INTERMEDIATE: "I",
    Flag.SUSCEPTIBLE: "S",
}
