"""Scripts for maintainers: release checks and generated documentation."""
