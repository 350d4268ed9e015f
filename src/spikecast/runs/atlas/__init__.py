"""Every area from every other, in every session: planned, fitted job by job, put into one table."""
