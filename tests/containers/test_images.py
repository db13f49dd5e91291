"""Layers of container images go by their place in the manifest, whatever the archive's order."""

from __future__ import annotations

import gzip
import io
import json
import tarfile

import pytest

from tests.build.archives import docker_save, oci_layout, tar
from tests.containers.samples import HOST, OBJECT, OTHER, found, unopened

BASE = tar({"etc/os-release": b"ID=sample\n", "usr/.wh.old": b"", "a/.wh..wh..opq": b""})
AGENT = tar({"./usr/bin/agent": bytes(20_000) + HOST + OBJECT})
LAST = tar({"opt/x.o": OTHER})
EXPECTED = [
    ("f!layer1!/usr/bin/agent!obj@0x4ee8", OBJECT),
    ("f!layer2!/opt/x.o", OTHER),
]


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_docker_save(pack: type[bytes]) -> None:
    layers = [pack(layer) for layer in (BASE, AGENT, LAST)]
    assert found(tar(docker_save(layers))) == EXPECTED


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_packed_image_has_the_same_paths(pack: type[bytes]) -> None:
    image = docker_save([pack(layer) for layer in (BASE, AGENT, LAST)])
    assert sorted(found(gzip.compress(tar(image)))) == EXPECTED


def test_several_images_share_layers() -> None:
    image = docker_save([BASE, AGENT, LAST], images=[[0, 1], [0, 1, 2]])
    assert found(tar(image)) == [
        ("f!image0!layer1!/usr/bin/agent!obj@0x4ee8", OBJECT),
        ("f!image1!layer2!/opt/x.o", OTHER),
    ]


def test_oci_layout() -> None:
    layers = [gzip.compress(layer) for layer in (BASE, AGENT, LAST)]
    assert found(tar(oci_layout([layers]))) == EXPECTED
    assert found(tar(oci_layout([layers[1:], layers[2:]]))) == [
        ("f!image0!layer0!/usr/bin/agent!obj@0x4ee8", OBJECT),
        ("f!image0!layer1!/opt/x.o", OTHER),
    ]


def test_links_of_older_archives() -> None:
    stream = io.BytesIO()
    manifest = json.dumps([{"Layers": ["aa/layer.tar", "bb/layer.tar"]}]).encode()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, data in {"bb/layer.tar": AGENT, "manifest.json": manifest}.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        link = tarfile.TarInfo("aa/layer.tar")
        link.type, link.linkname = tarfile.SYMTYPE, "../bb/layer.tar"
        archive.addfile(link)
    assert found(stream.getvalue()) == [("f!layer0!/usr/bin/agent!obj@0x4ee8", OBJECT)]


def test_a_missing_layer_is_said() -> None:
    image = docker_save([BASE, AGENT])
    del image[next(name for name, data in image.items() if data is AGENT)]
    for data in (tar(image), gzip.compress(tar(image))):
        ((path, reason),) = unopened(data)
        assert path == "f!layer1"
        assert "is not in the archive" in reason


@pytest.mark.parametrize(
    "manifest",
    [b"", b"{", b"[" * 100_000, b"[[]]", b'[{"Layers": 3}]', b'[{"Layers": [3, null]}]', b"7"],
)
@pytest.mark.parametrize("name", ["manifest.json", "index.json"])
def test_a_broken_manifest_hides_nothing(name: str, manifest: bytes) -> None:
    image = {"blobs/sha256/aa": AGENT, name: manifest}
    for data in (tar(image), gzip.compress(tar(image))):
        assert found(data) == [("f!blobs/sha256/aa!usr/bin/agent!obj@0x4ee8", OBJECT)]


@pytest.mark.parametrize(
    "index",
    [
        {"manifests": [{"digest": "sha256:" + "0" * 64}]},
        {"manifests": [{"digest": "../../etc/passwd"}, 7, {"digest": 7}]},
        {"layers": [{"mediaType": 7, "digest": "sha256:" + "0" * 64}]},
    ],
)
def test_an_index_to_nowhere(index: object) -> None:
    image = {"index.json": json.dumps(index).encode(), "x.o": OBJECT}
    assert found(tar(image)) == [("f!x.o", OBJECT)]
