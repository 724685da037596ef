"""Room for thousands of connections: a process may have only so many files open, and each connection is one."""

from __future__ import annotations

import resource

SPARE = 200  # for everything else


def make_room(connections: int) -> None:
    """Let this process have so many connections; OSError with the remedy where it may not."""
    needed = connections + SPARE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise OSError(f"this process may open {hard} files and needs {needed}; allow more first: ulimit -n {needed}")
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
