"""Small clients for meter makers to read, copy and replace; they share no code with ours."""
