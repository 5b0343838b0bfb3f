"""The ground floor of edgeslm: what fits on a device, and what device and SDK agree on."""

__version__ = "0.1.0"
