"""A live run: the newest frame becomes the newest pose, and nothing waits for anything."""
