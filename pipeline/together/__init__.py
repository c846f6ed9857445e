"""Several atlases side by side: which of them can be read, what differs, and their one page."""
