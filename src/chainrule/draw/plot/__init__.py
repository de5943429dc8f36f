"""A function of one number with its tangent: sampled, laid out on a sheet, and written."""
