"""Pictures of an object: control flow, calls and uses of maps, as DOT, Mermaid or SVG.

Map of the package:

* ``drawing``: what is drawn: boxes with lines of text, edges, marks.
* ``marks``: findings, by the function, instruction or map they point to.
* ``flow``, ``calls``, ``maps``: the three drawings of an object.
* ``dot``, ``mermaid``, ``svg``: their formats.
"""
