"""Opens files until none is left."""

files = []
while True:
    files.append(open("/dev/null"))
