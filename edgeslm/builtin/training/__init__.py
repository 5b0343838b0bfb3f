"""How the built-in model is made: a generator of commands, a tokenizer, a small decoder and its training loop.

Only this folder imports torch, and only in the modules that train, evaluate or write weights.
"""
