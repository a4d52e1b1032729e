"""The page and its server: what a browser shows of a live character, and what it may ask for."""
