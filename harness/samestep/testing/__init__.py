"""samestep inside pytest: what the plugin needs once a test uses it."""
