"""Triggers, which wait for sessions, jobs and capacity in the triggerer."""
