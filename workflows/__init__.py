"""Deterministic workflow code: only domain, schemas (without tables) and workflows.steps may be imported here."""
