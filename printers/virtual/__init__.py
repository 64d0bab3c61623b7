"""A ward printer made of software: prints ESC/POS to PNG and text, answers as a TM-T20II does."""

from printers.virtual.printer import VirtualPrinter
from printers.virtual.serve import add_arguments, run

__all__ = ["VirtualPrinter", "add_arguments", "run"]
