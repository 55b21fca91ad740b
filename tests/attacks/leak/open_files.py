"""Reads every file and socket that was open when the room began."""

import os
for number in range(1024):
    try:
        kind = os.fstat(number)
        os.set_blocking(number, False)
        print(number, oct(kind.st_mode), kind.st_size)
        if number not in range(3, 12):
            os.lseek(number, 0, 0)
        print(os.read(number, 100) if number < 3 else os.pread(number, 100, 0))
    except OSError:
        pass
