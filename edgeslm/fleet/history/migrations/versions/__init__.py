"""One file a step, never changed once released: databases that ran it exist."""
