"""A selection as a page that people look at: one HTML file that works offline, on a phone and in the dark."""
