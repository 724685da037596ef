"""Planning and simulation of off-grid solar that is sold pay-as-you-go."""
