"""Holds shared memory that it does not show as its own: it forgets the pages and keeps the file."""

import mmap
try:
    with open("/dev/zero", "r+b") as zero:
        held = [mmap.mmap(zero.fileno(), 100_000_000) for _ in range(10)]
    for one in held:
        one.write(b"x" * 100_000_000)
        one.madvise(mmap.MADV_DONTNEED)
    print("CONNECTED")
except OSError as error:
    print(error)
