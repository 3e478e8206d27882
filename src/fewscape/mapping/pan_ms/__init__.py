"""Map a panchromatic and multispectral pair with a network for pairs."""
