"""The second floor of edgeslm: turns a checkpoint into what the agent runs."""
