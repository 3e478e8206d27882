"""Examples: reading them, and turning them into crops and cells to learn from."""
