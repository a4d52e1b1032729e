"""From a person's pose to a character's: own lengths, posture free of place and size, placement, and 2D characters."""
