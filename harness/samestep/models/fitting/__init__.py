"""From the first layer that differs to words for the mistake, by fitting one number at a time."""
