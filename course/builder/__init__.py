"""The course's build: sources and one metadata file in, notebooks and pages out."""
