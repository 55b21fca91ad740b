"""Running cells as a kernel does, without its sockets: what they show is kept, up to a limit. A part of `room`."""

import base64
import io
import sys

MAX_TEXT = 100_000  # characters that one cell may print
MAX_IMAGES = 20


class Outputs:
    """What a cell shows, up to a limit."""

    def __init__(self):
        self.items, self.left, self.images = [], MAX_TEXT, MAX_IMAGES

    def stream(self, name):
        outputs = self

        class Stream(io.TextIOBase):
            encoding = "utf-8"

            def writable(self):
                return True

            def write(self, text):
                outputs.text(name, str(text))
                return len(text)

        return Stream()

    def text(self, name, text):
        if self.left <= 0 or not text:
            return
        if len(text) > self.left:
            text = f"{text[: self.left]}\n... more was printed; it is left out"
            self.left = 0
        self.left -= len(text)
        last = self.items[-1] if self.items else {}
        if last.get("output_type") == "stream" and last["name"] == name:
            last["text"] += text
        else:
            self.items.append({"output_type": "stream", "name": name, "text": text})

    def show(self, kind, data):
        """Keep text and pictures; what a page would execute stays out."""
        kept = {}
        if isinstance(data.get("text/plain"), str):
            kept["text/plain"] = data["text/plain"][: max(self.left, 0)]
            self.left -= len(kept["text/plain"])
        image = data.get("image/png")
        if image is not None and self.images > 0:
            kept["image/png"] = base64.b64encode(image).decode() if isinstance(image, bytes) else image
            self.images -= 1
        self.items.append({"output_type": kind, "data": kept})

    def error(self, kind, text, lines):
        self.items.append({"output_type": "error", "ename": kind, "evalue": text[:2000], "traceback": lines[:100]})


def shell():
    """Return an IPython shell whose outputs go to its attribute ``outputs``."""
    from IPython.core.displayhook import DisplayHook
    from IPython.core.displaypub import DisplayPublisher
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    class Publisher(DisplayPublisher):
        def publish(self, data, metadata=None, **options):
            self.shell.outputs.show("display_data", data)

        def clear_output(self, wait=False):
            self.shell.outputs.items.clear()

    class Hook(DisplayHook):
        def write_output_prompt(self):
            pass

        def write_format_data(self, data, metadata=None):
            self.shell.outputs.show("execute_result", data)

        def finish_displayhook(self):
            pass

    class Shell(InteractiveShell):
        outputs = None

        def enable_gui(self, gui=None):
            pass

        def _showtraceback(self, kind, error, lines):
            self.outputs.error(kind.__name__, str(error), [str(line) for line in lines])

    config = Config()
    config.HistoryManager.enabled = False
    made = Shell.instance(config=config, display_pub_class=Publisher, displayhook_class=Hook)
    if "matplotlib" in sys.modules:
        made.run_line_magic("matplotlib", "inline")
    return made
