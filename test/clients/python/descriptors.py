"""Prints the public API's descriptors as the SDK from PyPI has them: a FileDescriptorSet in base64.

The arguments are the files that are wanted, without `.proto`; those that they import come before them.
"""

import base64
import importlib
import sys

from google.protobuf.descriptor_pb2 import FileDescriptorSet

found = FileDescriptorSet()
names = set()


def add(file):
    if file.name in names:
        return
    names.add(file.name)
    for dependency in file.dependencies:
        add(dependency)
    file.CopyToProto(found.file.add())


for path in sys.argv[1:]:
    add(importlib.import_module(f"{path.replace('/', '.')}_pb2").DESCRIPTOR)
print(base64.b64encode(found.SerializeToString()).decode())
