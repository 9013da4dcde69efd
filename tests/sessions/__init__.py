"""Opening and closing sessions, as a task does, against the emulator."""
