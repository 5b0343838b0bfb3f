"""Chat templates on the device: `program.Program` runs what the exporter compiled, within bounds, and nothing else."""
