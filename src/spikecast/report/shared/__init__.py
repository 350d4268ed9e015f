"""What pages of every kind use: look, templates, formatting of numbers."""
