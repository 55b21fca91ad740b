"""Fills the disk."""

number = 0
while True:
    with open(f"file{number}", "wb") as file:
        file.write(b"x" * 30_000_000)
    number += 1
