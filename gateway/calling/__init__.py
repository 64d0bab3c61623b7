"""Ringing people until somebody has it: whom, when, how many at once, and what became of each call."""

from gateway.calling.batch import Batch, Item
from gateway.calling.desk import CallDesk, Talk
from gateway.calling.targets import Target, targets

__all__ = ["Batch", "CallDesk", "Item", "Talk", "Target", "targets"]
