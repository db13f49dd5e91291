//! What aya makes of each object named: one line
//! "object<TAB>phase<TAB>program<TAB>verdict<TAB>words" for opening, for loading all of it, and for
//! each program. Opening is `EbpfLoader::load`, which also creates maps and relocates code; a
//! program is then loaded with the target its section names.
//!
//! With `-size`, maps without a size get one, as the objects' own loaders give them.

use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::fs;
use std::panic;

use aya::programs::Program;
use aya::{Btf, Ebpf, EbpfLoader};
use object::{Object as _, ObjectSection as _, ObjectSymbol as _};

const RING_BYTES: u32 = 256 << 10;
const MAX_WORDS: usize = 200;
const ENTRIES: u32 = 1024;
// BPF_MAP_TYPE_*: local storage, struct_ops and perf event arrays have no size of their own.
const UNSIZED: [u32; 8] = [4, 19, 21, 24, 26, 28, 29, 32];
const RINGS: [u32; 2] = [27, 31];

/// The errors of an error, innermost last, on one line.
fn words(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut inner = error.source();
    while let Some(cause) = inner {
        text = format!("{text}: {cause}");
        inner = cause.source();
    }
    // A verifier's log stands in the middle, its verdict at the end of it.
    let text: Vec<char> = text.replace(['\t', '\n'], " ").chars().collect();
    if text.len() <= 2 * MAX_WORDS {
        return text.into_iter().collect();
    }
    let (start, end) = (&text[..MAX_WORDS], &text[text.len() - MAX_WORDS..]);
    start.iter().chain(&[' ', '…', ' ']).chain(end).collect()
}

fn say(path: &str, phase: &str, program: &str, outcome: &Result<(), String>) {
    match outcome {
        Ok(()) => println!("{path}\t{phase}\t{program}\tloads\t"),
        Err(text) => println!("{path}\t{phase}\t{program}\trejected\t{text}"),
    }
}

/// What stands behind the first slash of each function's section.
fn targets(data: &[u8]) -> HashMap<String, String> {
    let mut found = HashMap::new();
    let Ok(file) = object::File::parse(data) else {
        return found;
    };
    for symbol in file.symbols() {
        let section = symbol
            .section_index()
            .and_then(|index| file.section_by_index(index).ok());
        let (Some(section), Ok(name)) = (section, symbol.name()) else {
            continue;
        };
        if let Some((_, target)) = section.name().unwrap_or("").split_once('/') {
            found.insert(name.to_string(), target.to_string());
        }
    }
    found
}

/// The maps without a size, and the one they get.
fn sizes(data: &[u8]) -> Vec<(String, u32)> {
    let Ok(Ok(object)) = panic::catch_unwind(|| aya_obj::Object::parse(data)) else {
        return Vec::new();
    };
    let wanted = object
        .maps
        .iter()
        .filter(|(_, map)| map.max_entries() == 0 && !UNSIZED.contains(&map.map_type()));
    wanted
        .map(|(name, map)| {
            let ring = RINGS.contains(&map.map_type());
            (name.clone(), if ring { RING_BYTES } else { ENTRIES })
        })
        .collect()
}

fn open(data: &[u8], pins: &str, sizes: &[(String, u32)]) -> Result<Ebpf, String> {
    let mut loader = EbpfLoader::new();
    loader.map_pin_path(pins);
    for (name, entries) in sizes {
        loader.set_max_entries(name, *entries);
    }
    // Some objects make it panic.
    panic::catch_unwind(panic::AssertUnwindSafe(|| loader.load(data)))
        .map_err(|_| "panic".to_string())?
        .map_err(|error| words(&error))
}

fn load(program: &mut Program, target: &str, btf: &Btf) -> Result<(), String> {
    let outcome = match program {
        Program::KProbe(it) => it.load(),
        Program::UProbe(it) => it.load(),
        Program::TracePoint(it) => it.load(),
        Program::SocketFilter(it) => it.load(),
        Program::Xdp(it) => it.load(),
        Program::SkMsg(it) => it.load(),
        Program::SkSkb(it) => it.load(),
        Program::CgroupSockAddr(it) => it.load(),
        Program::SockOps(it) => it.load(),
        Program::SchedClassifier(it) => it.load(),
        Program::CgroupSkb(it) => it.load(),
        Program::CgroupSysctl(it) => it.load(),
        Program::CgroupSockopt(it) => it.load(),
        Program::LircMode2(it) => it.load(),
        Program::PerfEvent(it) => it.load(),
        Program::RawTracePoint(it) => it.load(),
        Program::Lsm(it) => it.load(target, btf),
        Program::BtfTracePoint(it) => it.load(target, btf),
        Program::FEntry(it) => it.load(target, btf),
        Program::FExit(it) => it.load(target, btf),
        Program::SkLookup(it) => it.load(),
        Program::CgroupSock(it) => it.load(),
        Program::CgroupDevice(it) => it.load(),
        Program::Extension(_) => return Err("no program to replace".to_string()),
    };
    outcome.map_err(|error| words(&error))
}

fn clear(pins: &str) {
    for pin in fs::read_dir(pins).into_iter().flatten().flatten() {
        let _ = fs::remove_file(pin.path());
    }
}

fn try_object(path: &str, pins: &str, sized: bool, btf: &Btf) {
    let data = match fs::read(path) {
        Ok(data) => data,
        Err(error) => return say(path, "open", "", &Err(error.to_string())),
    };
    let sizes = if sized { sizes(&data) } else { Vec::new() };
    let opened = open(&data, pins, &sizes);
    clear(pins);
    let mut loaded = match opened {
        Ok(loaded) => loaded,
        Err(text) => return say(path, "open", "", &Err(text)),
    };
    say(path, "open", "", &Ok(()));
    let targets = targets(&data);
    let mut outcomes: Vec<_> = loaded
        .programs_mut()
        .map(|(name, program)| {
            let target = targets.get(name).map_or("", String::as_str);
            (name.to_string(), load(program, target, btf))
        })
        .collect();
    outcomes.sort_by(|one, other| one.0.cmp(&other.0));
    let first = outcomes.iter().find_map(|(_, it)| it.as_ref().err());
    let whole = first.map_or(Ok(()), |text| Err(text.clone()));
    say(path, "object", "", &whole);
    for (name, outcome) in &outcomes {
        say(path, "program", name, outcome);
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments: Vec<String> = env::args().skip(1).collect();
    let pins = arguments.remove(0);
    let sized = arguments.first().is_some_and(|it| it == "-size");
    let btf = Btf::from_sys_fs()?;
    for path in arguments.iter().skip(usize::from(sized)) {
        try_object(path, &pins, sized, &btf);
    }
    Ok(())
}
