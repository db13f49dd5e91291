"""One HTML page about objects: what loads where and why, findings, parts, code and pictures.

The page needs nothing but itself: no network, no fonts, no pictures from elsewhere; its policy
(Content-Security-Policy) lets only its own style sheet and script work, each by its hash. Without
the script everything is there.

Map of the package:

* ``markup``: elements and the one place where text becomes markup.
* ``model``: what a page is made of.
* ``matrix``: the table of verdicts, and the reasons its cells lead to.
* ``findings``, ``facts``, ``code``: the parts of an object.
* ``page``: all of it together, within its size.
"""

from ebpf_static.output.html.model import Entry, Page
from ebpf_static.output.html.page import render

__all__ = ["Entry", "Page", "render"]
