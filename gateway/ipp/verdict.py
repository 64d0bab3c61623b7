"""What a printer's word on a job is worth: proof, a failure that is free, or nothing anybody can know."""

from __future__ import annotations

from gateway.errors import DeliveryFailure, PermanentFailure, TemporaryFailure, Uncertain
from gateway.ipp.printer import Record, Refused
from printers.ipp import JobState
from printers.ipp.names import Answer

#: Words of job-state-reasons with which "completed" is no proof (RFC 8011 5.3.8).
_NOT_DONE = frozenset(
    """queued-in-device job-completed-with-errors aborted-by-system job-canceled-by-user
    job-canceled-by-operator job-canceled-at-device document-format-error
    unsupported-document-format compression-error document-access-error
    submission-interrupted""".split()
)
#: It would be refused again: the document, not the printer, is at fault.
_BAD_DOCUMENT = frozenset(
    """document-format-error unsupported-document-format document-unprintable-error
    document-password-error document-permission-error document-security-error
    unsupported-attributes-or-values""".split()
)
_FOR_GOOD = frozenset(
    (
        *(0x0401, 0x0402, 0x0403, 0x0408, 0x0409),
        *(Answer.FORMAT_NOT_SUPPORTED, Answer.ATTRIBUTES_NOT_SUPPORTED),
        *(0x040F, 0x0410, 0x0411, 0x0412, 0x0418, 0x0419, 0x041A, 0x041B),
        0x0501,
    )
)


def refused(answer: Refused) -> DeliveryFailure:
    """The printer did not take the job: nothing of it will be printed."""
    if answer.code in _FOR_GOOD:
        return PermanentFailure(str(answer))
    if answer.code == Answer.BUSY:
        return TemporaryFailure(str(answer), reasons=("busy",))
    return TemporaryFailure(str(answer), reasons=("other-error",))


def ended(
    record: Record, *, pages: int | None, counts: bool, reasons: tuple[str, ...] = ()
) -> Record:
    """`record` of a job that is over, if it is proof that `pages` are printed; else raises a failure.

    `counts`: this printer is known to count the sides it prints. `reasons`: what ailed it last.
    """
    if record.state == JobState.COMPLETED:
        return _completed(record, pages=pages, counts=counts)
    word = "cancelled" if record.state == JobState.CANCELED else "aborted"
    why = f"{word} by the printer: {' '.join(record.reasons)[:200]}"
    jammed = "media-jam" in reasons or "media-jam" in record.reasons
    if not record.blank or jammed:  # a sheet may be half out, with a name on it
        raise Uncertain(why, reasons=reasons)
    if _BAD_DOCUMENT & set(record.reasons):
        raise PermanentFailure(why)
    raise TemporaryFailure(why, reasons=reasons or ("other-error",))


def _completed(record: Record, *, pages: int | None, counts: bool) -> Record:
    if wrong := sorted(_NOT_DONE & set(record.reasons)):
        raise Uncertain(f"completed, but {' '.join(wrong)}")
    if record.impressions is None:
        if counts:
            raise Uncertain("completed, but the printer does not say how many pages")
        return record
    wanted = max(pages or 1, 1)
    if record.impressions < wanted:
        raise Uncertain(f"completed after {record.impressions} of {wanted} pages")
    return record
