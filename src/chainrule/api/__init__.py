"""What users hold: arrays, graphs and records; thin, one call into a room each."""
