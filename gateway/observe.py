"""One log stream on standard error; patient text never enters it."""

from __future__ import annotations

import logging
import sys

import structlog
from twisted.logger import STDLibLogObserver, globalLogBeginner

#: Libraries that write message bodies or addresses to their debug logs: never below this.
_MUTED = ("mail.log", "aiormq", "aio_pika", "PIL")


def begin_logging(*, level: str = "INFO") -> None:
    """One JSON line per event on standard error, from structlog, Twisted and the standard library."""
    logging.basicConfig(stream=sys.stderr, level=level, format="%(message)s", force=True)
    for name in _MUTED:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    globalLogBeginner.beginLoggingTo([STDLibLogObserver()], redirectStandardIO=False)
