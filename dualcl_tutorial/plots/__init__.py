"""Figures of the course, one module a lesson; what several lessons draw is in `shared`."""
