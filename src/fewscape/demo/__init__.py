"""What ``fewscape demo`` draws, maps and shows."""
