"""Chat templates (Jinja) become programs for a device: `lowering.lower` drives it."""
