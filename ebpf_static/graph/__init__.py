"""What pictures of an object are made of: blocks, calls, uses of maps, and where boxes go.

Nothing here has words or colours; :mod:`ebpf_static.output.pictures` draws what is found here.

Map of the package:

* ``blocks``: basic blocks and how control goes from one to another.
* ``links``: the functions programs reach.
* ``flows``: which code runs on none of some targets.
* ``uses``: who calls what, and does what to which map.
* ``layout``, ``layers``, ``placing``: where the boxes of any graph go.
"""
