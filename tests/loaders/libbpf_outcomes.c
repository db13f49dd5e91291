/* What libbpf makes of each object named: one line
 * "object<TAB>phase<TAB>program<TAB>errno<TAB>tag<TAB>run" for opening, for loading all of it, and
 * for each program alone when all together fail. "run" is what a test run on 64 zero bytes returns,
 * or minus its errno.
 *
 * Maps without a size get one, as the objects' own loaders give them.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int be_quiet(enum libbpf_print_level level, const char *format, va_list arguments)
{
	if (getenv("LIBBPF_LOUD") && level != LIBBPF_DEBUG)
		return vfprintf(stderr, format, arguments);
	return 0;
}

static void give_sizes(struct bpf_object *object)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object) {
		switch (bpf_map__type(map)) {
		case BPF_MAP_TYPE_STACK_TRACE:
			if (!bpf_map__key_size(map))
				bpf_map__set_key_size(map, 4);
			if (!bpf_map__value_size(map))
				bpf_map__set_value_size(map, 127 * 8);
			break;
		case BPF_MAP_TYPE_SK_STORAGE:
		case BPF_MAP_TYPE_INODE_STORAGE:
		case BPF_MAP_TYPE_TASK_STORAGE:
		case 32: /* BPF_MAP_TYPE_CGRP_STORAGE, newer than some headers */
		case BPF_MAP_TYPE_CGROUP_STORAGE:
		case BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE:
		case BPF_MAP_TYPE_STRUCT_OPS:
		case BPF_MAP_TYPE_PERF_EVENT_ARRAY:
			continue;
		default:
			break;
		}
		if (bpf_map__max_entries(map))
			continue;
		if (bpf_map__type(map) == BPF_MAP_TYPE_RINGBUF ||
		    bpf_map__type(map) == BPF_MAP_TYPE_USER_RINGBUF)
			bpf_map__set_max_entries(map, 256 << 10);
		else
			bpf_map__set_max_entries(map, 1024);
	}
}

static struct bpf_object *open_object(const char *path, const char *pins)
{
	LIBBPF_OPTS(bpf_object_open_opts, options);
	struct bpf_object *object;

	options.pin_root_path = pins;
	object = bpf_object__open_file(path, &options);
	if (object)
		give_sizes(object);
	return object;
}

static long try_run(int fd)
{
	LIBBPF_OPTS(bpf_test_run_opts, options);
	char in[64] = {}, out[64 + 4096];

	options.data_in = in;
	options.data_size_in = sizeof(in);
	options.data_out = out;
	options.data_size_out = sizeof(out);
	if (bpf_prog_test_run_opts(fd, &options))
		return -errno;
	return options.retval;
}

static void print_programs(const char *path, struct bpf_object *object)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object) {
		struct bpf_prog_info info = {};
		__u32 size = sizeof(info);
		int fd = bpf_program__fd(program);

		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
			continue;
		printf("%s\tprogram\t%s\t0\t%02x%02x%02x%02x%02x%02x%02x%02x\t%ld\n", path,
		       bpf_program__name(program), info.tag[0], info.tag[1], info.tag[2],
		       info.tag[3], info.tag[4], info.tag[5], info.tag[6], info.tag[7], try_run(fd));
	}
}

static void unpin(struct bpf_object *object)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object)
		if (bpf_map__is_pinned(map))
			bpf_map__unpin(map, NULL);
}

static void try_alone(const char *path, const char *pins, int wanted)
{
	struct bpf_object *object = open_object(path, pins);
	struct bpf_program *program, *chosen = NULL;
	int position = 0, result;

	if (!object)
		return;
	bpf_object__for_each_program(program, object) {
		bpf_program__set_autoload(program, position == wanted);
		if (position++ == wanted)
			chosen = program;
	}
	result = bpf_object__load(object);
	if (result)
		printf("%s\tprogram\t%s\t%d\t-\t0\n", path, bpf_program__name(chosen), -result);
	else
		print_programs(path, object);
	unpin(object);
	bpf_object__close(object);
}

static void try_object(const char *path, const char *pins)
{
	struct bpf_object *object = open_object(path, pins);
	struct bpf_program *program;
	int programs = 0, position, result;

	if (!object) {
		printf("%s\topen\t-\t%d\t-\t0\n", path, errno);
		return;
	}
	bpf_object__for_each_program(program, object)
		programs++;
	result = bpf_object__load(object);
	printf("%s\tobject\t-\t%d\t-\t0\n", path, -result);
	if (!result)
		print_programs(path, object);
	unpin(object);
	bpf_object__close(object);
	for (position = 0; result && position < programs; position++)
		try_alone(path, pins, position);
}

int main(int count, char **arguments)
{
	int index;

	libbpf_set_print(be_quiet);
	for (index = 2; index < count; index++) {
		try_object(arguments[index], arguments[1]);
		fflush(stdout);
	}
	return 0;
}
