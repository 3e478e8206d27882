"""What maintainers run: checks of a release, and what the documentation is made of."""
