// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "goruntime/go_wait_reason.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "goruntime/go_build_info.h"
#include "process/load_segments.h"
#include "unit_test.h"

static struct go_wait_reasons reasons_of(uint32_t minor)
{
	struct go_version version = {.minor = minor};
	struct go_wait_reasons reasons;

	go_wait_reasons_of_version(&version, &reasons);
	return reasons;
}

static void assert_reason(uint32_t minor, size_t number, const char *text)
{
	struct go_wait_reasons reasons = reasons_of(minor);

	assert_true(number < reasons.count);
	assert_string_equal(reasons.texts[number], text);
}

static void numbers_are_those_of_the_version(void **state)
{
	(void)state;
	for (uint32_t minor = 15; minor <= 25; minor++) {
		assert_reason(minor, 0, "");
		assert_reason(minor, 9, "select");
		assert_reason(minor, 14, "chan receive");
		assert_reason(minor, 15, "chan send");
		assert_reason(minor, minor < 25 ? 18 : 19, "semacquire");
	}
	assert_reason(26, 18, "select");
	assert_reason(26, 19, "chan receive");
	assert_reason(26, 20, "chan send");
	assert_reason(26, 13, "semacquire");
	assert_reason(19, 21, "timer goroutine (idle)");
	assert_reason(20, 21, "sync.Mutex.Lock");
	assert_reason(22, 36, "coroutine");
	assert_reason(23, 37, "GC weak to strong wait");
	assert_reason(24, 24, "sync.WaitGroup.Wait");
	assert_reason(24, 41, "chan receive (synctest)");
	assert_reason(25, 18, "GOMAXPROCS updater (idle)");
	assert_reason(26, 46, "cleanup wait");
}

static void tables_have_their_lengths(void **state)
{
	static const size_t counts[] = {27, 27, 27, 27, 27, 32, 32, 37, 38, 44, 47, 47};

	(void)state;
	for (uint32_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		assert_int_equal(reasons_of(15 + i).count, counts[i]);
}

static void unknown_versions_have_no_table(void **state)
{
	struct go_version development = {.minor = 22, .development = true};
	struct go_wait_reasons reasons;

	(void)state;
	assert_int_equal(reasons_of(0).count, 0);
	assert_int_equal(reasons_of(14).count, 0);
	assert_int_equal(reasons_of(27).count, 0);
	assert_int_equal(reasons_of(UINT32_MAX).count, 0);
	go_wait_reasons_of_version(&development, &reasons);
	assert_int_equal(reasons.count, 0);
}

static void texts_have_names(void **state)
{
	(void)state;
	assert_string_equal(go_wait_reason_name("chan send"), "chan_send");
	assert_string_equal(go_wait_reason_name("chan receive (nil chan)"),
			    "chan_receive_nil_chan");
	assert_string_equal(go_wait_reason_name("select (no cases)"), "select_no_cases");
	assert_string_equal(go_wait_reason_name("IO wait"), "io_wait");
	assert_string_equal(go_wait_reason_name("sync.Mutex.Lock"), "sync_mutex_lock");
	assert_string_equal(go_wait_reason_name("GC worker (idle)"), "gc_worker_idle");
	assert_string_equal(go_wait_reason_name("semacquire"), "semacquire");
	assert_string_equal(go_wait_reason_name("chan send (synctest)"), "chan_send_durable");
	assert_string_equal(go_wait_reason_name(""), "other");
	assert_string_equal(go_wait_reason_name("chan sen"), "other");
	assert_string_equal(go_wait_reason_name("unknown wait reason"), "other");
}

static size_t find_name(const char *name)
{
	const char *const *names;
	size_t count = go_wait_reason_names(&names), found = 0;

	for (size_t i = 0; i < count; i++)
		found += strcmp(names[i], name) == 0;
	return found;
}

/* The closed list has every name once, and no text of a known version is "other". */
static void the_list_is_closed(void **state)
{
	const char *const *names;
	size_t count = go_wait_reason_names(&names);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(strspn(names[i], "abcdefghijklmnopqrstuvwxyz_"), strlen(names[i]));
		assert_int_equal(find_name(names[i]), 1);
	}
	for (uint32_t minor = 15; minor <= 26; minor++) {
		struct go_wait_reasons reasons = reasons_of(minor);

		for (size_t i = 0; i < reasons.count; i++) {
			const char *name = go_wait_reason_name(reasons.texts[i]);

			assert_int_equal(find_name(name), 1);
			assert_int_equal(strcmp(name, "other") == 0, i == 0);
		}
	}
}

/* The symbol runtime.waitReasonStrings: its vaddr and size. */
static GElf_Sym find_strings(int fd)
{
	Elf *elf;
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	GElf_Sym symbol, found = {0};

	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	assert_non_null(elf);
	while ((section = elf_nextscn(elf, section))) {
		Elf_Data *data = elf_getdata(section, NULL);

		assert_non_null(gelf_getshdr(section, &header));
		if (header.sh_type != SHT_SYMTAB)
			continue;
		for (int i = 0; gelf_getsym(data, i, &symbol); i++) {
			const char *name = elf_strptr(elf, header.sh_link, symbol.st_name);

			if (name && strcmp(name, "runtime.waitReasonStrings") == 0)
				found = symbol;
		}
	}
	elf_end(elf);
	return found;
}

static void read_vaddr(const struct elf_image *image, uint64_t vaddr, void *buffer, size_t size)
{
	auto_free(load_segments) struct load_segments *segments = NULL;
	uint64_t offset, available;

	assert_int_equal(load_segments_new(image, &segments), 0);
	assert_true(load_segments_offset(segments, vaddr, &offset, &available));
	assert_true(size <= available);
	assert_int_equal(elf_image_read(image, offset, buffer, size), 0);
}

static void check_program(const char *path)
{
	auto_free(elf_image) struct elf_image *image = NULL;
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct go_version version;
	struct go_wait_reasons reasons;
	GElf_Sym symbol;

	if (fd < 0)
		fail_msg("%s: %s", path, strerror(errno));
	assert_int_equal(elf_image_open_fd(fd, &image, NULL), 0);
	assert_int_equal(go_build_info_read(image, NULL, &version), 0);
	go_wait_reasons_of_version(&version, &reasons);
	symbol = find_strings(fd);
	assert_int_equal(symbol.st_size, reasons.count * 16);
	for (size_t i = 0; i < reasons.count; i++) {
		char text[GO_WAIT_REASON_SIZE] = {0};
		uint64_t string[2]; /* pointer, length */

		read_vaddr(image, symbol.st_value + i * sizeof(string), string, sizeof(string));
		assert_true(string[1] < sizeof(text));
		if (string[1] > 0)
			read_vaddr(image, string[0], text, (size_t)string[1]);
		assert_string_equal(text, reasons.texts[i]);
	}
	print_message("%s: %zu reasons of %s\n", path, reasons.count, version.text);
}

static void tables_agree_with_programs(void **state)
{
	const char *list = getenv("PARKSCOPE_GO_BINARIES");
	autofree char *copy = strdup(list ? list : "");
	char *rest = NULL;

	(void)state;
	assert_non_null(copy);
	check_program(GO_SAMPLE);
	for (char *path = strtok_r(copy, " ", &rest); path; path = strtok_r(NULL, " ", &rest))
		check_program(path);
}

static bool list_has(const json_t *list, const char *text)
{
	size_t i;
	json_t *item;

	json_array_foreach(list, i,
			   item) if (strcmp(json_string_value(item), text) == 0) return true;
	return false;
}

/* And one more: what a goroutine does that is in a system call is no reason of the runtime's. */
static void the_schema_lists_the_same_names(void **state)
{
	json_t *schema = json_load_file(PARKSCOPE_SOURCE_DIR "/doc/schema.json", 0, NULL);
	const json_t *list = json_object_get(schema, "$defs");
	const char *const *names;
	size_t count = go_wait_reason_names(&names);

	(void)state;
	list = json_object_get(json_object_get(list, "goroutine_reason"), "enum");
	assert_int_equal(json_array_size(list), count + 1);
	assert_true(list_has(list, "syscall"));
	for (size_t i = 0; i < count; i++)
		if (!list_has(list, names[i]))
			fail_msg("doc/schema.json lacks %s", names[i]);
	json_decref(schema);
}

static void those_at_semaphores_are_known(void **state)
{
	(void)state;
	assert_true(go_wait_reason_is_semaphore("semacquire"));
	assert_true(go_wait_reason_is_semaphore("sync_mutex_lock"));
	assert_true(go_wait_reason_is_semaphore("sync_rwmutex_rlock"));
	assert_true(go_wait_reason_is_semaphore("sync_rwmutex_lock"));
	assert_true(go_wait_reason_is_semaphore("sync_waitgroup_wait"));
	assert_true(go_wait_reason_is_semaphore("sync_waitgroup_wait_durable"));
	assert_false(go_wait_reason_is_semaphore("sync_cond_wait"));
	assert_false(go_wait_reason_is_semaphore("chan_receive"));
	assert_false(go_wait_reason_is_semaphore("syscall"));
	assert_false(go_wait_reason_is_semaphore("other"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(those_at_semaphores_are_known),
		cmocka_unit_test(numbers_are_those_of_the_version),
		cmocka_unit_test(tables_have_their_lengths),
		cmocka_unit_test(unknown_versions_have_no_table),
		cmocka_unit_test(texts_have_names),
		cmocka_unit_test(the_list_is_closed),
		cmocka_unit_test(tables_agree_with_programs),
		cmocka_unit_test(the_schema_lists_the_same_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
