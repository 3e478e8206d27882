"""What people drew on a scene, and what networks learn of it."""
