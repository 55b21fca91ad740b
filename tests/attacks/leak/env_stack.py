"""Reads the arguments and the environment behind the program's name on the first stack."""

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
name = ctypes.c_char_p.in_dll(libc, "program_invocation_name")
print(words(ctypes.cast(name, ctypes.c_void_p).value, 16))
