"""FHIR R4: resources from a lab or a hospital system read into messages."""

from gateway.fhir.extract import extract
from gateway.fhir.reader import FOCI, Part, name_of, read, read_all
from gateway.fhir.refusal import Refused

__all__ = ["FOCI", "Part", "Refused", "extract", "name_of", "read", "read_all"]
