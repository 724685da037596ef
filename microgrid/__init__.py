"""Control plane of pay-as-you-go off-grid solar: billing, switching, monitoring; imports nothing here."""

__version__ = "0.1.0"
