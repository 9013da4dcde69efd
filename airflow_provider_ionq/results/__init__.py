"""The results of jobs: read, decoded into the circuits' own registers, and drawn."""
