"""Stored results of the course (CSV and JSON), installed as ``dualcl_tutorial.results``."""
