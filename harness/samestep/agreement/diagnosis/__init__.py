"""From a difference to words for the mistake."""
