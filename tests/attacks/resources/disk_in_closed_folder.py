"""Fills the disk in a folder that it closes behind itself."""

import os, time
os.mkdir("closed")
os.chdir("closed")
os.chmod(".", 0o300)
try:
    for number in range(12):
        with open(f"file{number}", "wb") as file:
            file.write(b"x" * 10_000_000)
except OSError as error:
    print(error)
time.sleep(0.3)
