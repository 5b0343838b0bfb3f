"""Serving: who may ask (desk), who answers (responder), and the one thread in which answering happens (worker)."""
