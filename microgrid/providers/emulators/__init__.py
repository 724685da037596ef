"""Providers made up for tests and simulations: they send what the real ones send, with faults from a seed."""
