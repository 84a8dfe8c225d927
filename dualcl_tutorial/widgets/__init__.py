"""Sliders and boxes of the course, one module a lesson; each has a static twin in its notebook."""
