"""What a native image says: the PE file bpf2c and a C compiler make of an eBPF object.

A native image is a Windows driver (``.sys``) or, for user-mode tests, a DLL. It keeps the maps,
the programs' names, types, helpers and counts, but no bytecode, no BTF and no ``map_flags``
(``include/bpf2c.h`` of eBPF for Windows).
"""

from __future__ import annotations

from functools import cached_property
from typing import Literal, NamedTuple

from ebpf_static.specs.base import ByName, FrozenModel
from ebpf_static.specs.collection import CollectionSpec
from ebpf_static.specs.function import ProgramSpec
from ebpf_static.target import Version
from ebpf_static.uapi.constants import HelperId

_CNT_INITIALISED = 0x40
_MEM_EXECUTE = 0x20000000
_MEM_WRITE = 0x80000000


class PeSection(NamedTuple):
    """One section header of a PE file (Microsoft PE format, "Section Table").

    Attributes:
        name: up to eight characters, or the longer name of the COFF string table.
        address: RVA of its first byte, relative to the image base.
        virtual_size: bytes in memory; what lies behind ``raw_size`` reads as zero.
        offset: byte offset in the file.
        raw_size: bytes in the file, padded to the file alignment.
        flags: ``IMAGE_SCN_*``.
    """

    name: str
    address: int
    virtual_size: int
    offset: int
    raw_size: int
    flags: int

    @property
    def is_executable(self) -> bool:
        """IMAGE_SCN_MEM_EXECUTE."""
        return bool(self.flags & _MEM_EXECUTE)

    @property
    def is_writable(self) -> bool:
        """IMAGE_SCN_MEM_WRITE."""
        return bool(self.flags & _MEM_WRITE)

    @property
    def is_data(self) -> bool:
        """Initialised data that no processor executes."""
        return bool(self.flags & _CNT_INITIALISED) and not self.is_executable


class PeImport(NamedTuple):
    """One imported module and the functions taken from it (``#7`` for an ordinal)."""

    module: str
    functions: tuple[str, ...]


class Certificate(NamedTuple):
    """One certificate embedded in an Authenticode signature.

    Attributes:
        subject: distinguished name it was issued to.
        issuer: distinguished name of who issued it.
        serial: serial number, hexadecimal.
        not_before: first day of validity, ``YYYY-MM-DD``.
        not_after: last day of validity, ``YYYY-MM-DD``.
    """

    subject: str
    issuer: str
    serial: str
    not_before: str
    not_after: str


class Signature(FrozenModel):
    """One Authenticode signature.

    Attributes:
        digest_algorithm: ``sha1``, ``sha256`` …, as the signature names it.
        digest: image digest the signature vouches for, hexadecimal.
        digest_matches: that digest is the one of the bytes read; None when the algorithm is not
            one we compute.
        signature_valid: the signer's key signed this digest; None when it was not checked.
        chain: subjects from the signer upwards, as far as the embedded certificates lead.
        certificates: every embedded certificate, in the signature's order.
        time_stamped: carries a time stamp, whose own signature is not verified.
        nested: signatures nested in this one (a second digest algorithm), which are not read.
        complaints: what the parser objects to (``BAD_SIGNATURE`` …), empty when it is content.
    """

    digest_algorithm: str
    digest: str
    digest_matches: bool | None
    signature_valid: bool | None
    chain: tuple[str, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    time_stamped: bool = False
    nested: int = 0
    complaints: tuple[str, ...] = ()


class Authenticode(FrozenModel):
    """What the certificate table of the image says, and how much of it was verified.

    Attributes:
        present: the image has a certificate table.
        unread: why the table could not be read, None when it was (or there is none).
        signatures: the Authenticode signatures in it.
        not_verified: what nobody checked, in sentences; shown with every statement about trust.
    """

    present: bool = False
    unread: str | None = None
    signatures: tuple[Signature, ...] = ()
    not_verified: tuple[str, ...] = ()

    @property
    def digest_matches(self) -> bool | None:
        """Whether every signature read vouches for these bytes; None when nothing can be said."""
        answers = [signature.digest_matches for signature in self.signatures]
        if not answers:
            return None
        if False in answers:
            return False
        return None if None in answers else True


class NativeLayout(FrozenModel):
    """The generation of ``bpf2c.h`` an image was built from.

    Attributes:
        name: ``0.2``, ``0.5``, ``0.6``, ``0.9``, ``0.11``, ``0.21``, ``1.5`` (each named after its
            first release), ``main-…`` for development snapshots, ``newer`` for headers that are
            larger than any known; several joined by ``|`` when the image holds nothing that tells
            them apart.
        releases: first and last efW release per name, None for snapshots.
        program_stride: bytes from one program entry to the next, None without programs.
        map_stride: bytes from one map entry to the next, None without maps.
        helper_stride: bytes from one helper entry to the next, None without helpers.
        metadata_size: bytes of the module's metadata table, None when it was not found.
        established: how the generation was found and confirmed, in order, in words.
    """

    name: str
    releases: tuple[tuple[str, str] | None, ...] = ()
    program_stride: int | None = None
    map_stride: int | None = None
    helper_stride: int | None = None
    metadata_size: int | None = None
    established: tuple[str, ...] = ()

    @property
    def is_versioned(self) -> bool:
        """Entries carry a version header: what runtimes from 0.21.0 on insist on."""
        return self.map_stride in _VERSIONED_MAPS if self.map_stride else self._versioned_programs

    @property
    def _versioned_programs(self) -> bool:
        return self.program_stride is not None and self.program_stride >= _VERSIONED_PROGRAM


_VERSIONED_PROGRAM = 144
_VERSIONED_MAPS = range(80, 4097)


class NativeHelper(NamedTuple):
    """One slot of a program's helper table.

    Attributes:
        id: the helper; id 0 with an empty symbol is a placeholder the program does not use.
        symbol: name in the image, ``helper_id_N`` as bpf2c makes them.
    """

    id: HelperId
    symbol: str

    @property
    def is_placeholder(self) -> bool:
        """The slot belongs to a helper only other functions of the image use."""
        return self.id.number == 0


class ResolvedFunction(NamedTuple):
    """A function an extension provides by BTF name (efW 1.5).

    Attributes:
        name: function name.
        module_guid: GUID of the module that provides it.
    """

    name: str
    module_guid: str


class NativeProgramSpec(ProgramSpec):
    """A program of a native image: machine code, and what bpf2c wrote down about the bytecode.

    ``code`` and ``instructions`` are empty; :attr:`insn_count` is the bytecode's count all the
    same. ``section`` is the ELF section, ``references`` is empty because machine code has none:
    ask :attr:`referenced_maps` and :attr:`helpers`.

    Attributes:
        bpf_insn_count: 8-byte slots of the bytecode the machine code was made from.
        pe_section: PE section bpf2c named for the machine code, at most eight characters.
        code_section: PE section the entry point really lies in.
        code_address: RVA of the entry point.
        helpers: the helper table in the image's order, placeholders included.
        referenced_maps: positions in ``spec.maps``, as the image lists them.
        program_type_guid: program type as the image gives it.
        attach_type_guid: expected attach type as the image gives it.
        info_hash: hash of the program information bpf2c saw, None without one.
        info_hash_algorithm: its algorithm (``SHA256``); None where the layout has no such field
            (0.5 – 0.8) and where there is no hash.
        resolved_functions: functions bound by BTF name.
        entry_header: version, size and total size of the entry; None before 0.21.
        entry_offset: byte offset of the entry in the file.
    """

    bpf_insn_count: int
    pe_section: str
    code_section: str
    code_address: int
    helpers: tuple[NativeHelper, ...] = ()
    referenced_maps: tuple[int, ...] = ()
    program_type_guid: str
    attach_type_guid: str
    info_hash: bytes | None = None
    info_hash_algorithm: str | None = None
    resolved_functions: tuple[ResolvedFunction, ...] = ()
    entry_header: tuple[int, int, int] | None = None
    entry_offset: int

    @property
    def insn_count(self) -> int:
        """8-byte slots of the bytecode, as bpf2c counted them."""
        return self.bpf_insn_count

    @property
    def helper_ids(self) -> tuple[HelperId, ...]:
        """The helpers the program may call, without placeholders."""
        return tuple(helper.id for helper in self.helpers if not helper.is_placeholder)


class InitialValues(NamedTuple):
    """Initial elements of a prog array or map-in-map; None is a slot left empty."""

    map: str
    values: tuple[str | None, ...]


class GlobalSection(NamedTuple):
    """Initial contents of one section of global variables; ``name`` is its map's name."""

    name: str
    size: int
    data: bytes


class NativeImageSpec(CollectionSpec):
    """What one native image declares.

    Attributes:
        machine: processor of the machine code.
        kind: ``driver`` is what Windows loads; ``dll`` is the user-mode flavour for tests.
        module_name: name the linker gave the module (export directory or debug information);
            None when the image does not say.
        pdb_path: path of the debug information, as the linker wrote it.
        image_base: address the pointers in the file are relative to.
        sections: PE sections in order.
        imports: imported modules in order.
        exports: exported names in order.
        layout: generation of the data structures.
        bpf2c_version: version of bpf2c, read from the machine code of the version getter; None
            before 0.6 and when that code is of a shape we do not follow.
        elf_hash: hash of the ELF object the image was generated from, None without one.
        initial_values: initial elements of maps, by map; :attr:`MapSpec.values` has them too.
        global_sections: initial contents of global variables.
        npi_guid: the image carries the GUID of the bpf2c network programming interface.
        relocatable: every pointer read is in the base relocation table; None without a table.
        authenticode: signatures.
    """

    functions: ByName[NativeProgramSpec] = ByName(())  # type: ignore[assignment]  # frozen: safe
    machine: Literal["x64", "arm64"]
    kind: Literal["driver", "dll"]
    module_name: str | None = None
    pdb_path: str | None = None
    image_base: int
    sections: ByName[PeSection]
    imports: tuple[PeImport, ...] = ()
    exports: tuple[str, ...] = ()
    layout: NativeLayout
    bpf2c_version: Version | None = None
    elf_hash: bytes | None = None
    initial_values: tuple[InitialValues, ...] = ()
    global_sections: tuple[GlobalSection, ...] = ()
    npi_guid: bool = False
    relocatable: bool | None = None
    authenticode: Authenticode = Authenticode()

    @cached_property
    def programs(self) -> ByName[NativeProgramSpec]:  # type: ignore[override]  # as functions
        """The programs in the image's order, which is by name."""
        return self.functions

    def find_referenced_maps(self, program: NativeProgramSpec) -> tuple[str, ...]:
        """Return the names of the maps ``program`` refers to, in the image's order."""
        return tuple(self.maps[index].name for index in program.referenced_maps)
