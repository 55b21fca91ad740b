"""Shows a hundred thousand pictures."""

from IPython.display import Image, display
for _ in range(100_000):
    display(Image(data=b"\x89PNG\r\n" + b"x" * 100_000, format="png"))
