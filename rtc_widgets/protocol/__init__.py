"""The wire protocol, without I/O: bytes in, bytes and values out (docs/protocol.md is normative).

One module for each section of the document; ``labextension/src/protocol`` has the same stems.
"""
