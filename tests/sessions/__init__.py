"""Creation and end of sessions by tasks, against the emulator."""
