"""Never ends and ignores interrupts."""

import signal
def sigmoid(z):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
