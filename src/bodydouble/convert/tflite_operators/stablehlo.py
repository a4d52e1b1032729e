"""StableHLO operators that converters leave in TFLite files."""
