"""How every property test runs: the same examples each time, and no clock, so that a slow machine fails nothing.

`test --long` asks for the profile `long` instead, which looks for new examples, and for more of them.
"""

from hypothesis import settings

settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("long", deadline=None, max_examples=500)
settings.load_profile("steady")
