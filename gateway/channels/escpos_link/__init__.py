"""One job on one connection to a thermal printer, from the first question to the proof.

Nothing is sent before the printer has said that it is ready. Once a byte has left, only its own
mark from behind the slip is proof; whatever else happens is `Uncertain`.
"""

from gateway.channels.escpos_link.inspect import Commission, commission, probe
from gateway.channels.escpos_link.job import print_job
from gateway.channels.escpos_link.mark import Limits, Proof
from printers.model import Fence

__all__ = ["Commission", "Fence", "Limits", "Proof", "commission", "print_job", "probe"]
