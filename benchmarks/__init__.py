"""Measures the cost of waiting, compared with common alternatives."""
