"""Inputs that are odd, broken or meant to harm, and what is to become of each."""
