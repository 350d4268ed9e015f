"""Sentences, tables and figures of each kind of question."""
