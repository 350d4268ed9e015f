"""The page of the doctor: a session, or a recording, with pictures of what was looked at."""
