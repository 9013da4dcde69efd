"""Sensors that wait for sessions and jobs, on a worker or in the triggerer."""
