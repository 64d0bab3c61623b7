"""One log stream on standard error; patient text never enters it."""

from __future__ import annotations

import logging
import sys

import structlog
from twisted.logger import STDLibLogObserver, globalLogBeginner

#: Libraries that write message bodies or addresses to their debug logs: never below this.
_MUTED = ("aiormq", "aio_pika", "PIL", "twisted")
#: aiosmtpd names commands it does not know: a mail sent where none was asked for would be quoted.
_SILENT = "mail.log"


_SHARED: tuple[structlog.typing.Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,  # tracebacks without the values of variables
)


def begin_logging(*, level: str = "INFO") -> None:
    """One JSON line per event on standard error: structlog's, Twisted's, the standard library's."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for name in _MUTED:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger(_SILENT).setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    globalLogBeginner.beginLoggingTo([STDLibLogObserver()], redirectStandardIO=False)
