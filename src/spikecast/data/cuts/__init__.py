"""How a session is cut into a recording: its units, trials and behaviour, and what was taken."""
