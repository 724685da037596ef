"""Groups of commands with their options, one file each; what they do is imported when they run."""
