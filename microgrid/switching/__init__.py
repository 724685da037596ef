"""What a meter is told, and what it says it did."""
