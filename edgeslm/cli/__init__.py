"""The command line: one file per verb, named after it; output.py is the only module that prints."""
