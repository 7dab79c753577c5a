"""The design rationale of a version: a Markdown document of which every figure comes from a file."""
