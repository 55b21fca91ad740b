"""Reads what the system shows of processes."""

for pid in ("self", "thread-self", "1", "2", *map(str, range(3, 400))):
    for name in ("environ", "cmdline", "maps", "mem", "root/etc/passwd", "cwd/secret"):
        try:
            print(open(f"/proc/{pid}/{name}", "rb").read(2000))
        except OSError:
            pass
