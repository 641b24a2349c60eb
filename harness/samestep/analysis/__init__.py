"""From records to what may be said: times, ratios, intervals, differences. No clock, no process."""
