"""Where everything is kept: in memory, or in SQL."""
