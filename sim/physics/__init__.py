"""The physics of off-grid solar: pure kernels and the loops over them."""
