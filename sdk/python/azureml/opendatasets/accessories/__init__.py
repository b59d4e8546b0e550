"""What the open datasets are made of."""
