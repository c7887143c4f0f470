#!/usr/bin/python3 -ISE
# What one would write in Python to stand as `bootstrap`; Nuitka compiles it too.
import os

path = os.path.join(os.environ["LAMBDA_TASK_ROOT"], os.environ["_HANDLER"])
os.execv(path, [path])
