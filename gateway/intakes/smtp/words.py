"""What a sender is answered: a code, an enhanced code (RFC 3463), and words it can act on. ASCII."""

from __future__ import annotations

OK = "250 2.1.0 OK"
TAKEN = "250 2.6.0 On disk, will be printed"
HELD = "250 2.6.0 On disk, waits for a person of the laboratory before it is printed"

TOO_MANY_PEERS = "421 4.7.0 Too many connections, try again later"
NOT_ALLOWED = "554 5.7.1 Your address may not send mail here"
CLOSING = "421 4.3.2 Stopping, try again later"
NO_NAME = "501 5.5.2 Say EHLO with the name of your machine, letters, digits, dots and hyphens"
BARE = "501 5.5.2 Lines end with CR LF here"
NOT_SMTP = "521 5.5.1 This is SMTP without CHUNKING, and nothing else"
BAD_SENDER = "553 5.1.7 This form of address is not taken here, write <name@domain>"
BAD_RECIPIENT = "553 5.1.3 This form of address is not taken here, write <ward@domain>"
NO_BOUNCES = "550 5.7.1 Bounces and automatic answers are not printed here"
NO_RELAY = "550 5.7.1 Mail for other domains is not passed on, only printed for our own wards"
NO_SUCH_WARD = "550 5.1.1 No ward or printer of this name, ask the laboratory for its address"
TOO_MANY_RECIPIENTS = "452 4.5.3 Too many recipients, send the others in another mail"
NEEDS_TLS = "530 5.7.0 Say STARTTLS first"
NO_AUTH = "502 5.5.1 There is no AUTH here"
AUTH_LATER = "454 4.7.0 Cannot check it now, try again later"
AUTH_DONE = "235 2.7.0 Authenticated"
AUTH_WRONG = "535 5.7.8 Name or password wrong"
AUTH_TYPE = "504 5.5.4 Only PLAIN and LOGIN"
AUTH_FORM = "501 5.5.2 Not what PLAIN or LOGIN look like"
NO_VRFY = "252 2.5.0 Send the mail and see"

TOO_LONG = "552 5.3.4 Mail longer than {limit} bytes"
LONG_HEADER = "552 5.3.4 Header longer than 64 kB"
BARE_IN_MAIL = "550 5.5.2 Mail with bare CR or LF, lines must end with CR LF"
LOOP = "554 5.4.6 This mail has been passed on too often"
TOO_FAST = "451 4.7.1 Too many mails from you within an hour, try again later"
TOO_MUCH = "451 4.7.1 Too many bytes from you within an hour, try again later"
UNKNOWN_FLOOD = "451 4.7.1 Too many mails within an hour whose sender nothing proves"
UNKNOWN = "550 5.7.1 Refused: {why}. Sign your mail, log in, or ask the laboratory"
BAD_HL7 = "550 5.6.0 HL7 message {number} refused: {why}"
BUSY = "451 4.3.2 Too much to do, try again later"
NO_ROOM = "452 4.3.1 No room on disk, try again later"
INTERNAL = "451 4.3.0 Internal error, send again"


def ascii_only(text: str, most: int = 200) -> str:
    """Text of ours or of a sender for a reply line: one line, ASCII."""
    kept = "".join(c if " " <= c <= "~" else "?" for c in text)
    return kept[:most]
