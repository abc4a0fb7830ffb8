// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "process/process_identity.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <xxhash.h>

#include "process/proc_file.h"

enum {
	/* Far more than any of these files has; NSpid and cgroup lines are bounded in number. */
	TEXT_MAX = 64 << 10,
	/* PF_KTHREAD of include/linux/sched.h, shown in field 9 of /proc/PID/stat. */
	KERNEL_THREAD_FLAG = 0x00200000,
	NS_PER_S = 1000000000,
	/* Fields of /proc/PID/stat as proc_pid_stat(5) counts them; the state is the third. */
	FIELD_STATE = 3,
	FIELD_FLAGS = 9,
	FIELD_START = 22,
	CONTAINER_DIGITS = CONTAINER_ID_SIZE - 1,
};

/* The last ')' of the text: the name before it may hold any number of them. */
static const char *last_parenthesis(const char *text, size_t size)
{
	return memrchr(text, ')', size);
}

/* A decimal number that stands between spaces (or ends the line). */
static bool parse_number(const char *text, uint64_t *number)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*number = strtoull(text, &end, 10);
	return !errno && (*end == ' ' || *end == '\n' || *end == '\t' || !*end);
}

int process_identity_parse_stat(const char *text, size_t size, struct process_identity *identity)
{
	const char *open = memchr(text, '(', size);
	const char *close = last_parenthesis(text, size);
	uint64_t flags = 0, start = 0;
	const char *field;
	size_t length;
	int number;

	if (!open || !close || close < open)
		return -EINVAL;
	/* close[1] is at worst the NUL that ends the text. */
	field = close + 1;
	for (number = FIELD_STATE; number <= FIELD_START; number++) {
		if (*field != ' ')
			return -EINVAL;
		field++;
		if (number == FIELD_FLAGS && !parse_number(field, &flags))
			return -EINVAL;
		if (number == FIELD_START && !parse_number(field, &start))
			return -EINVAL;
		field += strcspn(field, " \n");
	}
	length = (size_t)(close - open - 1);
	if (length >= sizeof(identity->name))
		length = sizeof(identity->name) - 1;
	memcpy(identity->name, open + 1, length);
	identity->name[length] = '\0';
	identity->is_kernel_thread = flags & KERNEL_THREAD_FLAG;
	identity->start_ticks = start;
	return 0;
}

/* The text behind "<key>:" at the start of a line, or NULL. */
static const char *status_field(const char *text, const char *key)
{
	size_t length = strlen(key);

	while (text) {
		if (strncmp(text, key, length) == 0 && text[length] == ':')
			return text + length + 1;
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	return NULL;
}

/* The last number of the line, as NSpid lists the innermost namespace last. */
static bool last_number(const char *text, uint64_t *number)
{
	const char *end = text + strcspn(text, "\n");
	const char *begin;

	while (end > text && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	begin = end;
	while (begin > text && begin[-1] >= '0' && begin[-1] <= '9')
		begin--;
	return parse_number(begin, number);
}

/* The effective user stands second in "Uid:", behind the real one. */
static bool effective_uid(const char *text, uint64_t *uid)
{
	text += strspn(text, " \t");
	text += strspn(text, "0123456789");
	text += strspn(text, " \t");
	return parse_number(text, uid) && *uid <= UINT32_MAX;
}

int process_identity_parse_status(const char *text, struct process_identity *identity)
{
	const char *threads_text = status_field(text, "Threads");
	const char *ns_text = status_field(text, "NSpid");
	const char *tgid_text = status_field(text, "Tgid");
	const char *uid_text = status_field(text, "Uid");
	uint64_t threads = 0, ns_pid = 0, tgid = 0, uid = 0;

	if (!threads_text || !last_number(threads_text, &threads) || threads > UINT32_MAX)
		return -EINVAL;
	if (ns_text && (!last_number(ns_text, &ns_pid) || ns_pid > INT_MAX))
		return -EINVAL;
	if (tgid_text && (!last_number(tgid_text, &tgid) || tgid > INT_MAX))
		return -EINVAL;
	if (uid_text && !effective_uid(uid_text, &uid))
		return -EINVAL;
	identity->threads = (uint32_t)threads;
	if (uid_text)
		identity->effective_uid = (uid_t)uid;
	if (tgid_text)
		identity->tgid = (pid_t)tgid;
	if (ns_text)
		identity->ns_pid = (pid_t)ns_pid;
	return 0;
}

static bool ends_with(const char *begin, const char *end, const char *suffix)
{
	size_t length = strlen(suffix);

	return (size_t)(end - begin) >= length && memcmp(end - length, suffix, length) == 0;
}

/*
 * The id in one component of a cgroup path. Engines write it as "<id>",
 * "docker-<id>.scope", "cri-containerd-<id>.scope", "crio-<id>", "libpod-<id>",
 * or "<slice>:cri-containerd:<id>". "conmon" scopes hold the monitor of a
 * container, which runs outside of it.
 */
static const char *component_id(const char *begin, const char *end)
{
	const char *id;

	if (ends_with(begin, end, ".scope"))
		end -= strlen(".scope");
	if (end - begin < CONTAINER_DIGITS)
		return NULL;
	id = end - CONTAINER_DIGITS;
	for (const char *digit = id; digit < end; digit++)
		if (!strchr("0123456789abcdef", *digit))
			return NULL;
	if (id == begin)
		return id;
	if ((id[-1] != '-' && id[-1] != ':') || ends_with(begin, id - 1, "conmon"))
		return NULL;
	return id;
}

void process_identity_parse_cgroup(const char *text, char id[CONTAINER_ID_SIZE])
{
	const char *line = text;

	id[0] = '\0';
	/* Lines are "<hierarchy>:<controllers>:<path>"; the first with an id counts. */
	while (*line && !id[0]) {
		const char *end = line + strcspn(line, "\n");
		const char *at = memchr(line, '/', (size_t)(end - line));

		while (at && at < end) {
			const char *next = memchr(at + 1, '/', (size_t)(end - at - 1));
			const char *found = component_id(at + 1, next ? next : end);

			if (found) {
				memcpy(id, found, CONTAINER_DIGITS);
				id[CONTAINER_DIGITS] = '\0';
			}
			at = next;
		}
		line = *end ? end + 1 : end;
	}
}

void process_entity_id(const char *boot_id, pid_t pid, uint64_t start_ticks,
		       char id[ENTITY_ID_SIZE])
{
	char text[128];

	snprintf(text, sizeof(text), "%.36s/%d/%" PRIu64, boot_id, pid, start_ticks);
	snprintf(id, ENTITY_ID_SIZE, "%016" PRIx64, (uint64_t)XXH3_64bits(text, strlen(text)));
}

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now = {0};

	clock_gettime(clock, &now);
	return now.tv_sec * (int64_t)NS_PER_S + now.tv_nsec;
}

static void set_start(struct process_identity *identity)
{
	uint64_t hz = (uint64_t)sysconf(_SC_CLK_TCK);
	uint64_t ticks = identity->start_ticks;

	identity->start_ns = ticks / hz * NS_PER_S + ticks % hz * NS_PER_S / hz;
	identity->start_unix_ns =
		clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME) + (int64_t)identity->start_ns;
}

static int read_stat(int directory, struct process_identity *identity)
{
	struct proc_text stat;
	int result = proc_file_read(directory, "stat", TEXT_MAX, &stat);

	if (result < 0)
		return result;
	result = process_identity_parse_stat(stat.text, stat.size, identity);
	free(stat.text);
	return result;
}

static int read_status(int directory, struct process_identity *identity)
{
	struct proc_text status;
	int result = proc_file_read(directory, "status", TEXT_MAX, &status);

	if (result < 0)
		return result;
	result = process_identity_parse_status(status.text, identity);
	free(status.text);
	return result;
}

/* A kernel without cgroups, or a process that is going: no container then. */
static void read_container(int directory, struct process_identity *identity)
{
	struct proc_text cgroup;

	if (proc_file_read(directory, "cgroup", TEXT_MAX, &cgroup) < 0)
		return;
	process_identity_parse_cgroup(cgroup.text, identity->container_id);
	free(cgroup.text);
}

static int read_executable(int directory, struct process_identity *identity)
{
	char path[PATH_MAX];
	ssize_t length = readlinkat(directory, "exe", path, sizeof(path) - 1);

	if (length < 0)
		return 0;
	path[length] = '\0';
	if (ends_with(path, path + length, " (deleted)")) {
		identity->executable_deleted = true;
		path[(size_t)length - strlen(" (deleted)")] = '\0';
	}
	identity->executable = strdup(path);
	return identity->executable ? 0 : -ENOMEM;
}

static int read_entity_id(struct process_identity *identity)
{
	struct proc_text boot;
	int result =
		proc_file_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", BOOT_ID_SIZE, &boot);

	if (result < 0)
		return result;
	boot.text[strcspn(boot.text, "\n")] = '\0';
	process_entity_id(boot.text, identity->pid, identity->start_ticks, identity->entity_id);
	free(boot.text);
	return 0;
}

static int read_all(int directory, struct process_identity *identity)
{
	int result = read_stat(directory, identity);

	if (result == 0)
		result = read_status(directory, identity);
	if (result == 0)
		result = read_executable(directory, identity);
	if (result == 0)
		result = read_entity_id(identity);
	if (result < 0)
		return result;
	read_container(directory, identity);
	set_start(identity);
	return 0;
}

int process_identity_read(pid_t pid, struct process_identity **out, struct error *error)
{
	auto_free(process_identity) struct process_identity *identity =
		calloc(1, sizeof(*identity));
	autoclose int directory = -1;
	char path[64];
	int result;

	if (!identity)
		return error_set(error, -ENOMEM, "no memory for process %d", pid);
	/* The open directory stays that of this process when the pid is used again. */
	snprintf(path, sizeof(path), "/proc/%d", pid);
	directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		result = errno == ENOENT ? -ESRCH : -errno;
	else {
		identity->pid = identity->tgid = identity->ns_pid = pid;
		result = read_all(directory, identity);
	}
	if (result == -ENOENT)
		result = -ESRCH;
	if (result < 0)
		return error_set(error, result, "cannot read %s: %s", path, strerror(-result));
	*out = take_ptr(identity);
	return 0;
}

void process_identity_free(struct process_identity *identity)
{
	if (!identity)
		return;
	free(identity->executable);
	free(identity);
}
