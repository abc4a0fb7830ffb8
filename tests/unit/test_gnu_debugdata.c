// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols/gnu_debugdata.h"

#include <errno.h>

#include "debugdata_fixture.h"

struct scene {
	struct debugdata_fixture fixture;
	void *data;
	size_t size;
};

static int set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	elf_fixture_init(&scene->fixture.file, SHT_DYNSYM);
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	free(scene->data);
	free(scene);
	return 0;
}

static int read_debugdata(struct scene *scene)
{
	auto_free(elf_image) struct elf_image *image = NULL;

	assert_int_equal(
		elf_image_open_memory(&scene->fixture, sizeof(scene->fixture), &image, NULL), 0);
	return gnu_debugdata_read(image, &scene->data, &scene->size);
}

static void what_was_compressed_is_read(void **state)
{
	struct scene *scene = *state;
	size_t size = 1 << 20;
	autofree char *text = malloc(size);

	for (size_t i = 0; i < size; i++)
		text[i] = (char)(i / 1000);
	debugdata_fixture_compress(&scene->fixture, text, size, 6);
	assert_int_equal(read_debugdata(scene), 0);
	assert_int_equal(scene->size, size);
	assert_memory_equal(scene->data, text, size);
}

static void a_file_without_the_section(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(read_debugdata(scene), -ENODATA);
	assert_null(scene->data);
}

static void a_section_that_is_not_there(void **state)
{
	struct scene *scene = *state;

	debugdata_fixture_compress(&scene->fixture, "text", 4, 6);
	scene->fixture.file.sections[FIXTURE_DATA].sh_offset = UINT64_MAX - 1;
	assert_int_equal(read_debugdata(scene), -ENODATA);
	scene->fixture.file.sections[FIXTURE_DATA].sh_size = UINT64_MAX;
	assert_int_equal(read_debugdata(scene), -EFBIG);
	scene->fixture.file.sections[FIXTURE_DATA].sh_size = 0;
	assert_int_equal(read_debugdata(scene), -ENODATA);
}

static void damage_is_seen(void **state)
{
	struct scene *scene = *state;

	debugdata_fixture_set(&scene->fixture, "this is no xz", 13);
	assert_int_equal(read_debugdata(scene), -EBADMSG);
	debugdata_fixture_compress(&scene->fixture, "text", 4, 6);
	scene->fixture.file.sections[FIXTURE_DATA].sh_size--;
	assert_int_equal(read_debugdata(scene), -EBADMSG);
	scene->fixture.file.sections[FIXTURE_DATA].sh_size++;
	for (size_t i = 0; i < scene->fixture.compressed_size; i++) {
		scene->fixture.compressed[i] ^= 0x55;
		assert_true(read_debugdata(scene) < 0);
		scene->fixture.compressed[i] ^= 0x55;
	}
	assert_null(scene->data);
}

static void a_bomb_is_not_inflated(void **state)
{
	struct scene *scene = *state;
	autofree char *zeros = calloc(1, GNU_DEBUGDATA_SIZE_MAX + 1);

	debugdata_fixture_compress(&scene->fixture, zeros, GNU_DEBUGDATA_SIZE_MAX, 6);
	assert_int_equal(read_debugdata(scene), 0);
	assert_int_equal(scene->size, GNU_DEBUGDATA_SIZE_MAX);
	free(take_ptr(scene->data));
	debugdata_fixture_compress(&scene->fixture, zeros, GNU_DEBUGDATA_SIZE_MAX + 1, 6);
	assert_int_equal(read_debugdata(scene), -EFBIG);
}

static void a_decoder_that_needs_too_much_memory_is_refused(void **state)
{
	struct scene *scene = *state;

	debugdata_fixture_compress(&scene->fixture, "text", 4, 9);
	assert_int_equal(read_debugdata(scene), -EFBIG);
	debugdata_fixture_compress(&scene->fixture, "text", 4, 8);
	assert_int_equal(read_debugdata(scene), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(what_was_compressed_is_read),
		TEST(a_file_without_the_section),
		TEST(a_section_that_is_not_there),
		TEST(damage_is_seen),
		TEST(a_bomb_is_not_inflated),
		TEST(a_decoder_that_needs_too_much_memory_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
