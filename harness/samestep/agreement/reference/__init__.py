"""The reference in float64: its values, what honest rounding does to them, and its own proof."""
