"""How fast this machine is just now: limits in seconds are those of a usual machine."""

import time

#: Seconds that `_work` takes on a usual machine of today.
USUAL = 0.06
MOST = 4


def seconds(limit):
    """Return how long something may take here that takes `limit` seconds on a usual machine; never less than that."""
    return limit * min(max(1.0, min(_work() for _ in range(3)) / USUAL), MOST)


def _work():
    begin, total = time.process_time(), 0
    for i in range(1_000_000):
        total += i * i
    return time.process_time() - begin
