"""Who wants power, minute by minute."""
