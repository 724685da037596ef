"""From many designs to the one to build: sweep, money, search."""
