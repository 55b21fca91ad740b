"""Links to the gradebook and the secret from its own room and reads through the links."""

import os
for number, path in enumerate(("{top}/gradebook.db", "{top}/grading/secret", "/etc/shadow")):
    try:
        os.symlink(path, f"link{number}")
        print(open(f"link{number}", "rb").read())
    except OSError as error:
        print(error)
