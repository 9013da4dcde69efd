"""Task groups."""
