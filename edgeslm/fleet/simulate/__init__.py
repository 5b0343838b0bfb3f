"""A fleet without devices: the agent's own code, a thousand times a process, against a real broker with faults.

    script ──> broker (kill -9) · links (partition, slow) · devices (clock jump, reboot)
    devices ──TCP──> links ──TCP──> broker ──> `edgeslm fleet collect` ──> database
    at the end: what every device put on its disk against what the database holds = the certificate

What is not real is said here: a device's answers come from recorded timings instead of a model, a reboot forgets what
was not on disk without the file system losing anything, and all devices share one machine's clock, sensors and network.
"""
