// What cilium/ebpf makes of each object named: one line
// "object<TAB>phase<TAB>program<TAB>verdict<TAB>words" for opening, for loading all of it, and for
// each program alone when all together fail. The verdict is "loads" or "rejected"; words are the
// error's first line.
//
// With -size, maps without a size get one, as the objects' own loaders give them. Works with every
// release of cilium/ebpf from 0.9 on.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/rlimit"
)

const (
	ringBytes = 256 << 10
	entries   = 1024
	traceSize = 127 * 8
)

func giveSize(spec *ebpf.MapSpec) {
	switch spec.Type {
	case ebpf.StackTrace:
		if spec.KeySize == 0 {
			spec.KeySize = 4
		}
		if spec.ValueSize == 0 {
			spec.ValueSize = traceSize
		}
	case ebpf.SkStorage, ebpf.InodeStorage, ebpf.TaskStorage, ebpf.CGroupStorage,
		ebpf.PerCPUCGroupStorage, ebpf.StructOpsMap, ebpf.PerfEventArray, ebpf.MapType(32):
		return
	}
	if spec.MaxEntries != 0 {
		return
	}
	spec.MaxEntries = entries
	if spec.Type == ebpf.RingBuf || spec.Type == ebpf.MapType(31) {
		spec.MaxEntries = ringBytes
	}
}

func firstLine(err error) string {
	var refused *ebpf.VerifierError
	text := err.Error()
	if errors.As(err, &refused) && len(refused.Log) > 0 {
		// The text ends with the log's last lines; its cause stands before them.
		text = strings.SplitN(text, "\n", 2)[0] + " | " + strings.Join(last(refused.Log, 3), " | ")
	}
	text = strings.NewReplacer("\t", " ", "\n", " ").Replace(text)
	if len(text) > 400 {
		text = text[:400]
	}
	return text
}

func last(lines []string, number int) []string {
	if len(lines) > number {
		lines = lines[len(lines)-number:]
	}
	return lines
}

func say(path, phase, program string, err error) {
	if err == nil {
		fmt.Printf("%s\t%s\t%s\tloads\t\n", path, phase, program)
		return
	}
	fmt.Printf("%s\t%s\t%s\trejected\t%s\n", path, phase, program, firstLine(err))
}

// load loads the programs of spec that are named, all of them without names, with all maps.
func load(path string, pins string, sized bool, only string) ([]string, map[string]bool, error, error) {
	spec, err := ebpf.LoadCollectionSpec(path)
	if err != nil {
		return nil, nil, err, nil
	}
	var names []string
	unspecified := map[string]bool{}
	for name, program := range spec.Programs {
		unspecified[name] = program.Type == ebpf.UnspecifiedProgram
		names = append(names, name)
		if only != "" && name != only {
			delete(spec.Programs, name)
		}
	}
	sort.Strings(names)
	if sized {
		for _, item := range spec.Maps {
			giveSize(item)
		}
	}
	if unspecified[only] {
		// A collection passes over it; asked for by name it is refused.
		return names, unspecified, nil, errUnspecified
	}
	defer clear(pins)
	collection, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{
		Maps: ebpf.MapOptions{PinPath: pins},
	})
	if err == nil {
		collection.Close()
	}
	return names, unspecified, nil, err
}

var errUnspecified = errors.New("program type is unspecified")

func clear(pins string) {
	left, _ := filepath.Glob(filepath.Join(pins, "*"))
	for _, pin := range left {
		os.Remove(pin)
	}
}

func main() {
	pins := flag.String("pins", "", "folder on a BPF file system")
	sized := flag.Bool("size", false, "give maps without a size one")
	flag.Parse()
	if err := rlimit.RemoveMemlock(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	for _, path := range flag.Args() {
		names, unspecified, opening, err := load(path, *pins, *sized, "")
		say(path, "open", "", opening)
		if opening != nil {
			continue
		}
		say(path, "object", "", err)
		for _, name := range names {
			alone := err
			if err != nil || unspecified[name] {
				_, _, _, alone = load(path, *pins, *sized, name)
			}
			say(path, "program", name, alone)
		}
	}
}
