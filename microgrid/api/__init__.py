"""The service for programs: REST over HTTP."""
