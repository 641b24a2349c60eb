"""From a mismatch to words for the mistake."""
