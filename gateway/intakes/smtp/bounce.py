"""What the sender of a mail that is not printed is told: a delivery status notification (RFC 3464)."""

from __future__ import annotations

from datetime import UTC, datetime
from email.header import Header
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import format_datetime

from gateway.mail.envelope import Envelope
from gateway.mail.headers import Headers, split

#: Headers of programs that write to many, or answer by themselves: an answer to them may go on for ever.
_LISTS = ("list-id", "list-unsubscribe", "list-post", "mailing-list", "x-loop")
_CRLF = compat32.clone(linesep="\r\n")
_PRECEDENCE = ("bulk", "junk", "list", "auto_reply")


def automatic(mail: bytes) -> bool:
    """Whether no person waits for an answer to it (RFC 3834, 2)."""
    headers, _ = split(mail)
    said = headers.text("auto-submitted").lower().partition(";")[0].strip()
    return (
        said not in ("", "no")
        or headers.text("precedence").lower() in _PRECEDENCE
        or headers.text("return-path").strip() == "<>"
        or any(headers.all(name) for name in _LISTS)
    )


def bounce(envelope: Envelope, mail: bytes, *, domain: str, message_id: int, at: float) -> bytes:
    """For the envelope's sender, in both languages, without a word of what its mail says.

    Its Message-ID is the same whenever it is made for the same mail: one that is sent twice is known.
    """
    headers, _ = split(mail)
    told = MIMEMultipart("report", boundary=f"=_wardline_{message_id}")
    told.set_param("report-type", "delivery-status")
    told["From"] = f"Wardline <postmaster@{domain}>"
    told["To"] = envelope.sender
    told["Subject"] = Header("Courriel non imprimé / Mail not printed", "utf-8").encode()
    told["Date"] = format_datetime(datetime.fromtimestamp(at, UTC))
    told["Message-ID"] = f"<returned-{message_id}@{domain}>"
    told["Auto-Submitted"] = "auto-replied"
    if named := _named(headers):
        told["In-Reply-To"] = told["References"] = named
    told.attach(MIMEText(_words(envelope, named), "plain", "utf-8"))
    status = MIMENonMultipart("message", "delivery-status")
    status.set_payload([_block(fields) for fields in _status(envelope, domain)])
    told.attach(status)
    kept = MIMENonMultipart("text", "rfc822-headers")
    kept.set_payload(_kept(headers))
    told.attach(kept)
    return told.as_bytes(policy=_CRLF)


def _words(envelope: Envelope, named: str) -> str:
    return (
        f"Votre courriel {named} pour {envelope.recipient} a été reçu, mais le laboratoire ne l'a pas\n"
        "laissé imprimer. Appelez le service ou le laboratoire.\n\n"
        f"Your mail {named} for {envelope.recipient} was received, but the laboratory did not let it\n"
        "be printed. Call the ward or the laboratory.\n"
    )


def _status(envelope: Envelope, domain: str) -> tuple[dict[str, str], dict[str, str]]:
    """What is said of the mail, and of its one recipient."""
    return {"Reporting-MTA": f"dns; {domain}"}, {
        "Final-Recipient": f"rfc822; {envelope.recipient}",
        "Action": "failed",
        "Status": "5.7.1",
        "Diagnostic-Code": "X-Wardline; a person of the laboratory did not let it be printed",
    }


def _block(fields: dict[str, str]) -> Message:
    block = Message()
    for name, value in fields.items():
        block[name] = value
    return block


def _kept(headers: Headers) -> str:
    """What names the mail to whoever sent it; a subject may name a patient."""
    kept = (("Message-ID", _named(headers)), ("Date", headers.text("date")))
    plain = ((n, v) for n, v in kept if v and v.isascii() and v.isprintable())
    return "".join(f"{name}: {value[:200]}\n" for name, value in plain)


def _named(headers: Headers) -> str:
    named = headers.text("message-id")
    sound = named.isascii() and named.isprintable() and 2 < len(named) < 200
    return named if sound else ""
