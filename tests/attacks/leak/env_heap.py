"""Reads the heap around an object of its own, page by page."""

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
here = id(object())
for number in range(-2000, 2000):
    found = page((here & ~4095) + 4096 * number)
    at = found.find(b"3141592653")
    if at >= 0:
        print(found[max(0, at - 30):at + 10])
