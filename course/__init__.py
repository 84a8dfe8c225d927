"""The course: its sources, its metadata and what builds notebooks from them."""
