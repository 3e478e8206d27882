"""Mapping a panchromatic and multispectral pair by a network made for pairs."""
