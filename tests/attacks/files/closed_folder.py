"""Leaves folders that are closed to their owner."""

import os
for number in range(20):
    os.makedirs(f"deep{number}/a/b", exist_ok=True)
    open(f"deep{number}/a/file", "w").close()
    os.chmod(f"deep{number}/a", 0)
    os.chmod(f"deep{number}", 0)
