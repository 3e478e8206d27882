"""What maps a window: networks that have learnt some classes."""
