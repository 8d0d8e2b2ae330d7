"""What measures, judges and writes results/. README.md says which folder does what, and how its programs are run."""

import signal

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until a program heeds signals (common/children.py): Ctrl-C shows no traceback
