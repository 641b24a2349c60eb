"""From records to what may be said: times, ratios, intervals, differences between runs. No clock, no process."""
