"""Finds the first stack by what the kernel told the program at its start."""

import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
inside, outside = os.pipe()
def page(address):
    """What stands in a page, or nothing if there is none: the kernel is asked, so that nothing crashes."""
    if libc.write(outside, ctypes.c_void_p(address), ctypes.c_size_t(4096)) != 4096:
        return b""
    return os.read(inside, 4096)
def words(start, count):
    found = b"".join(page((start & ~4095) + 4096 * number) for number in range(count))
    return [word for word in found.split(b"\0") if b"=" in word and len(word) > 8]
libc.getauxval.restype = ctypes.c_ulong
for kind in (25, 31, 15, 33):
    print(words(libc.getauxval(ctypes.c_ulong(kind)), 8))
