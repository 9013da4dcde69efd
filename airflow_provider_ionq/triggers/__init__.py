"""Triggers of deferred tasks. Their class paths and arguments are frozen: see `docs/architecture.md`."""
