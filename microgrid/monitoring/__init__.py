"""What meters measured."""
