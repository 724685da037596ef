"""The meter: its messages, its behaviour, and fleets of emulated ones."""
