"""A stand-in for a hospital's main platform: takes HL7 over MLLP, and gives trouble on command."""

from demo.standin.platform import Received, StandIn

__all__ = ["Received", "StandIn"]
