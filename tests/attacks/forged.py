"""A part of attacks on the wire, which takes the place of their line ``from forged import answer``."""

import json, os, socket, struct
def answer(result, changed={"dict": []}, shared={"list": []}):
    """Answer the call that runs now as the room would, with what the room would never send."""
    import gc
    room = next(one for one in gc.get_objects() if type(one).__name__ == "Room" and hasattr(one, "kept"))
    number = []
    import sys
    frame = sys._getframe(1)
    while frame:
        request = frame.f_locals.get("request")
        if isinstance(request, dict) and "id" in request:
            number = request["id"]
            break
        frame = frame.f_back
    content = json.dumps({"id": number, "value": {"result": result, "changed": changed, "shared": shared}}).encode()
    room.channel._sock.sendall(struct.pack("<I", len(content)) + content)
