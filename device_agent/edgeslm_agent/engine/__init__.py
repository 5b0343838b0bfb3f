"""Runs a bundle: `session.Session` drives a runtime, a tokenizer and a sampler. Nothing heavy is imported from here."""
