"""Sensors on sessions and jobs. All that waits is in `base`, `modes` and `polls`, which know neither."""
