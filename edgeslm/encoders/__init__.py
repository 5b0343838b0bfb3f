"""Encoders on the third floor: their plan becomes a bundle, with quality, measurement and choice as for decoders."""
