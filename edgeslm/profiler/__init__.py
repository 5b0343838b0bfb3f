"""Predicts, measures and chooses: plan, estimate, quality, measure, select."""
