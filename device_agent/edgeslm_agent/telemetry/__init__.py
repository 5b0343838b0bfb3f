"""Telemetry: probes read facts, the sampler makes samples of them, the spool keeps them, the uplink sends them."""
