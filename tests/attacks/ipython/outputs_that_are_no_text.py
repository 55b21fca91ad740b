"""Shows outputs whose parts are of other kinds than a page expects, straight into the shell's list."""

import sys
frame = sys._getframe()
while frame and "outputs" not in getattr(frame.f_locals.get("self"), "__dict__", {}):
    frame = frame.f_back
get_ipython().outputs.items += [
    {"output_type": "stream", "name": ["stdout"], "text": {"a": 1}}, {"output_type": ["error"], "traceback": 3},
    {"output_type": "error", "ename": None, "evalue": [], "traceback": [[["x"]], None, {"<b>": 1}]},
    {"output_type": "display_data", "data": {"text/html": "<script>window.HACKED=1</script>", "image/png": {"a": 1}}},
    {"output_type": "execute_result", "data": {"text/plain": ["<script>"], "image/png": "iVBORw0KGgo=" * 10, "image/svg+xml": "<svg/>"}},
    {"output_type": "update_display_data", "data": {"text/plain": "x"}}, [], None, 3, "x",
] * 30
