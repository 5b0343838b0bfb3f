"""The sentences of every intent family, as tables: one template per line, grouped by what the command is about."""
