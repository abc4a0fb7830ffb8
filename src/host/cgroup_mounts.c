// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "host/cgroup_mounts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static const char *const controller_names[CGROUP_CONTROLLERS] = {
	[CGROUP_MEMORY] = "memory",
	[CGROUP_PIDS] = "pids",
};

/* Fields of a line of mountinfo as proc_pid_mountinfo(5) counts them, from 0. */
enum {
	FIELD_ROOT = 3,
	FIELD_DIRECTORY = 4,
	FIELD_OPTIONAL = 6,
};

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* mountinfo writes space, tab, newline and backslash as \040 and so on. In place. */
static void unescape(char *text)
{
	char *out = text;

	while (*text) {
		if (text[0] == '\\' && is_octal(text[1]) && is_octal(text[2]) &&
		    is_octal(text[3])) {
			*out++ = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 |
					(text[3] - '0'));
			text += 4;
		} else {
			*out++ = *text++;
		}
	}
	*out = '\0';
}

/* Is it one of a list with commas, which ends at `end`? */
static bool is_listed(const char *list, const char *end, const char *name)
{
	size_t length = strlen(name);

	while (list < end) {
		const char *comma = memchr(list, ',', (size_t)(end - list));
		const char *item_end = comma ? comma : end;

		if ((size_t)(item_end - list) == length && memcmp(list, name, length) == 0)
			return true;
		list = item_end + 1;
	}
	return false;
}

/* Takes this mount if it shows more of the hierarchy than the one that is known. */
static int offer(struct cgroup_mount *mount, const char *root, const char *directory)
{
	autofree char *new_root = NULL, *new_directory = NULL;

	if (mount->root && strlen(mount->root) <= strlen(root))
		return 0;
	new_root = strdup(root);
	new_directory = strdup(strcmp(directory, "/") == 0 ? "" : directory);
	if (!new_root || !new_directory)
		return -ENOMEM;
	free(mount->root);
	free(mount->directory);
	mount->root = take_ptr(new_root);
	mount->directory = take_ptr(new_directory);
	return 0;
}

/* A line that is not what it should be is as good as none. */
static int read_mount(char *line, struct cgroup_mounts *mounts)
{
	char *root = NULL, *directory = NULL, *options;
	char *rest = line, *field, *type;
	int number = 0;

	line[strcspn(line, "\n")] = '\0';
	while ((field = strsep(&rest, " "))) {
		if (number == FIELD_ROOT)
			root = field;
		if (number == FIELD_DIRECTORY)
			directory = field;
		if (number >= FIELD_OPTIONAL && strcmp(field, "-") == 0)
			break;
		number++;
	}
	type = strsep(&rest, " ");
	options = strrchr(rest ? rest : "", ' ');
	if (!field || !type || !options || root[0] != '/' || directory[0] != '/')
		return 0;
	options++;
	unescape(root);
	unescape(directory);
	if (strcmp(type, "cgroup2") == 0)
		return offer(&mounts->v2, root, directory);
	if (strcmp(type, "cgroup") != 0)
		return 0;
	for (int i = 0; i < CGROUP_CONTROLLERS; i++) {
		int result = 0;

		if (is_listed(options, options + strlen(options), controller_names[i]))
			result = offer(&mounts->v1[i], root, directory);
		if (result < 0)
			return result;
	}
	return 0;
}

int cgroup_mounts_read(const char *mountinfo_path, struct cgroup_mounts *mounts)
{
	autofclose FILE *file = fopen(mountinfo_path, "re");
	struct cgroup_mounts found = {0};
	autofree char *line = NULL;
	size_t size = 0;
	int result = 0;

	if (!file)
		return -errno;
	while (result == 0 && getline(&line, &size, file) >= 0)
		result = read_mount(line, &found);
	if (result < 0) {
		cgroup_mounts_clear(&found);
		return result;
	}
	*mounts = found;
	return 0;
}

static void clear_mount(struct cgroup_mount *mount)
{
	free(mount->root);
	free(mount->directory);
	*mount = (struct cgroup_mount){0};
}

void cgroup_mounts_clear(struct cgroup_mounts *mounts)
{
	for (int i = 0; i < CGROUP_CONTROLLERS; i++)
		clear_mount(&mounts->v1[i]);
	clear_mount(&mounts->v2);
}

/* Absolute, and no component of it leads anywhere but down. */
static bool leads_down(const char *path, size_t length)
{
	const char *end = path + length;

	while (path < end) {
		const char *name = path + 1;
		const char *next;

		if (*path != '/')
			return false;
		next = memchr(name, '/', (size_t)(end - name));
		path = next ? next : end;
		if ((path - name == 1 && name[0] == '.') ||
		    (path - name == 2 && name[0] == '.' && name[1] == '.'))
			return false;
	}
	return true;
}

/*
 * Where a cgroup is below a mount. Where we are not in the host's cgroup namespace, both paths
 * begin with as many "/.." as they are above our own root: equal ones cancel out.
 */
static bool place_below(const struct cgroup_mount *mount, const char *path, size_t length,
			struct cgroup_place *place)
{
	size_t mount_length = strlen(mount->directory), root_length = strlen(mount->root);

	if (strcmp(mount->root, "/") == 0)
		root_length = 0;
	if (length < root_length || memcmp(path, mount->root, root_length) != 0)
		return false;
	path += root_length;
	length -= root_length;
	while (length && path[length - 1] == '/')
		length--;
	if (!leads_down(path, length) || mount_length + length >= sizeof(place->directory))
		return false;
	memcpy(place->directory, mount->directory, mount_length);
	memcpy(place->directory + mount_length, path, length);
	place->directory[mount_length + length] = '\0';
	place->mount_length = mount_length;
	return true;
}

bool cgroup_mounts_locate(const struct cgroup_mounts *mounts, enum cgroup_controller controller,
			  const char *cgroup_text, struct cgroup_place *place)
{
	const struct cgroup_mount *mount = NULL;
	const char *path = NULL;
	const char *line = cgroup_text;

	/* Lines are "<hierarchy>:<controllers>:<path>"; v2 is "0::<path>". */
	while (*line) {
		size_t length = strcspn(line, "\n");
		const char *list = memchr(line, ':', length);
		const char *colon =
			list ? memchr(list + 1, ':', length - (size_t)(list + 1 - line)) : NULL;

		if (colon && mounts->v1[controller].root &&
		    is_listed(list + 1, colon, controller_names[controller])) {
			mount = &mounts->v1[controller];
			path = colon + 1;
			break;
		}
		if (colon && mounts->v2.root && strncmp(line, "0::", 3) == 0) {
			mount = &mounts->v2;
			path = colon + 1;
		}
		line += length + (line[length] == '\n');
	}
	if (!mount)
		return false;
	place->v2 = mount == &mounts->v2;
	return place_below(mount, path, strcspn(path, "\n"), place);
}
