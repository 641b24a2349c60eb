"""The reference in float64: its values, what rounding does to them, and the check of its derivatives."""
