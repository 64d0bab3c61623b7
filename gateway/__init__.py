"""Wardline: lab results and orders reach the wards when the main messaging platform is down."""

__version__ = "0.1.0"
