"""Alembic's folder: env.py runs the steps of versions/, in the order of their revisions."""
