"""Fills the disk with many files, each below the limit."""

try:
    for number in range(12):
        with open(f"file{number}", "wb") as file:
            file.write(b"x" * 10_000_000)
except OSError as error:
    print(error)
import time
time.sleep(0.3)
