// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdio.h>

#include "go_process_fixture.h"
#include "goruntime/goroutine_wait.h"

enum {
	MEMORY_SIZE = 1 << 16,
	BUCKET_SLOTS = 8,
	/* Those of goroutine_labels.c. */
	LABELS_MAX = 32,
	LABEL_SIZE_MAX = 128,
	LOG_BUCKETS_MAX = 4,
	OVERFLOWS_MAX = 4,
};

static struct {
	uint8_t *memory;
	size_t used;
	struct goroutine goroutine;
	char text[8192];
} fake;

static int set_up(void **state)
{
	(void)state;
	fake_go_init(24);
	fake.memory = fake_memory(MEMORY_SIZE);
	fake.used = 0;
	memset(&fake.goroutine, 0, sizeof(fake.goroutine));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	munmap(fake.memory, MEMORY_SIZE);
	return 0;
}

static void *allocate(size_t size)
{
	void *memory = fake.memory + fake.used;

	fake.used += (size + 7) & ~(size_t)7;
	assert_true(fake.used <= MEMORY_SIZE);
	return memory;
}

struct go_string {
	uint64_t pointer, length;
};

static struct go_string string(const char *text)
{
	size_t length = strlen(text);

	return (struct go_string){
		.pointer = address_of(memcpy(allocate(length + 1), text, length)),
		.length = length,
	};
}

/* {pointer, length, capacity} of the list of Go 1.24. */
static uint64_t *put_list(const struct go_string *strings, size_t labels)
{
	uint64_t *slice = allocate(3 * sizeof(*slice));

	slice[0] = address_of(memcpy(allocate(2 * labels * sizeof(*strings)), strings,
				     2 * labels * sizeof(*strings)));
	slice[1] = slice[2] = labels;
	fake.goroutine.labels = address_of(slice);
	return slice;
}

struct bucket {
	uint8_t top_hashes[BUCKET_SLOTS];
	struct go_string keys[BUCKET_SLOTS];
	struct go_string values[BUCKET_SLOTS];
	uint64_t overflow;
};

struct map {
	uint64_t count;
	uint8_t flags, log_buckets, overflows[2];
	uint32_t seed;
	uint64_t buckets, old_buckets;
};

static struct map *put_map(uint8_t log_buckets, struct bucket **buckets)
{
	struct map *map = allocate(sizeof(*map));
	uint64_t *variable = allocate(sizeof(*variable));

	*buckets = allocate(sizeof(**buckets) << log_buckets);
	map->log_buckets = log_buckets;
	map->buckets = address_of(*buckets);
	*variable = address_of(map);
	fake.goroutine.labels = address_of(variable);
	fake_go.version.minor = 23;
	return map;
}

static void put_label(struct bucket *bucket, size_t slot, const char *key, const char *value)
{
	bucket->top_hashes[slot] = 5;
	bucket->keys[slot] = string(key);
	bucket->values[slot] = string(value);
}

static void assert_labels(const char *wanted)
{
	memset(fake.text, 'x', sizeof(fake.text));
	goroutine_labels_read(FAKE_GO, &fake.goroutine, fake.text, sizeof(fake.text));
	assert_string_equal(fake.text, wanted);
}

static void lists_are_sorted(void **state)
{
	const struct go_string strings[] = {string("worker"), string("7"), string("handler"),
					    string("/api"),   string("k"), string("")};

	(void)state;
	put_list(strings, 3);
	assert_labels("handler=/api, k=, worker=7");
	put_list(strings, 1);
	assert_labels("worker=7");
	put_list(strings, 0);
	assert_labels("");
	fake_go.version.minor = 26;
	put_list(strings, 2);
	assert_labels("handler=/api, worker=7");
	fake.goroutine.labels = 0;
	assert_labels("");
}

static void maps_have_buckets(void **state)
{
	struct bucket *buckets, *overflow = allocate(sizeof(*overflow));

	(void)state;
	put_map(1, &buckets);
	put_label(&buckets[0], 0, "b", "2");
	put_label(&buckets[0], 7, "a", "1");
	put_label(&buckets[1], 3, "d", "4");
	buckets[1].overflow = address_of(overflow);
	put_label(overflow, 1, "c", "3");
	/* An empty slot, and one that was moved to another bucket. */
	put_label(overflow, 2, "old", "0");
	overflow->top_hashes[2] = 4;
	assert_labels("a=1, b=2, c=3, d=4");
	put_map(0, &buckets);
	assert_labels("");
	put_label(buckets, 0, "one", "1");
	assert_labels("one=1");
	fake_go.version.minor = 15;
	assert_labels("one=1");
}

static void maps_are_bounded(void **state)
{
	struct bucket *buckets;
	struct map *map = put_map(LOG_BUCKETS_MAX, &buckets);

	(void)state;
	put_label(&buckets[15], 0, "last", "1");
	assert_labels("last=1");
	map->log_buckets = LOG_BUCKETS_MAX + 1;
	assert_labels("");
	map->log_buckets = 255;
	assert_labels("");
	/* A bucket that overflows into itself. */
	map->log_buckets = 0;
	put_label(&buckets[0], 0, "k", "v");
	buckets[0].overflow = address_of(buckets);
	fake_go.reads = 0;
	assert_labels("k=v, k=v, k=v, k=v");
	assert_true(fake_go.reads <= 3 + OVERFLOWS_MAX * 3);
	map->buckets = 8;
	assert_labels("");
	*(uint64_t *)(uintptr_t)fake.goroutine.labels = UINT64_MAX - 7;
	assert_labels("");
	fake.goroutine.labels = 8;
	assert_labels("");
}

static void long_strings_are_cut(void **state)
{
	char key[300], value[300], wanted[600];
	struct go_string strings[2];

	(void)state;
	memset(key, 'k', sizeof(key) - 1);
	memset(value, 'v', sizeof(value) - 1);
	key[sizeof(key) - 1] = value[sizeof(value) - 1] = '\0';
	strings[0] = string(key);
	strings[1] = string(value);
	put_list(strings, 1);
	snprintf(wanted, sizeof(wanted), "%.*s=%.*s", LABEL_SIZE_MAX - 1, key, LABEL_SIZE_MAX - 1,
		 value);
	assert_labels(wanted);
}

static void absurd_lengths_are_harmless(void **state)
{
	struct go_string strings[4] = {string("a"), string("1"), string("b"), string("2")};
	uint64_t *slice = put_list(strings, 2);

	(void)state;
	/* There is room for no more than the limit, whatever it says. */
	slice[1] = UINT64_MAX;
	assert_labels("a=1, b=2");
	slice[1] = 1ULL << 60;
	assert_labels("a=1, b=2");
	slice[0] = address_of(fake.memory) + MEMORY_SIZE - 64;
	munmap(fake.memory + MEMORY_SIZE - 4096, 4096);
	assert_labels("");
	slice[0] = UINT64_MAX;
	assert_labels("");
	/* What cannot be read of one label does not hide the others. */
	strings[0].length = UINT64_MAX;
	strings[0].pointer = address_of(fake.memory) + MEMORY_SIZE - 4096;
	put_list(strings, 2);
	assert_labels("b=2");
	strings[0].length = 0;
	put_list(strings, 2);
	assert_labels("b=2");
	/* Nor does it matter where nothing is. */
	strings[1].length = 0;
	strings[1].pointer = 0;
	strings[0] = string("a");
	put_list(strings, 2);
	assert_labels("a=, b=2");
}

static void labels_are_limited(void **state)
{
	struct go_string strings[2 * (LABELS_MAX + 8)];
	char wanted[1024] = "", key[8];
	struct bucket *buckets;

	(void)state;
	for (size_t i = 0; i < LABELS_MAX + 8; i++) {
		snprintf(key, sizeof(key), "k%02zu", i);
		strings[2 * i] = string(key);
		strings[2 * i + 1] = string("v");
		if (i < LABELS_MAX)
			snprintf(wanted + strlen(wanted), sizeof(wanted) - strlen(wanted), "%s%s=v",
				 i ? ", " : "", key);
	}
	put_list(strings, LABELS_MAX + 8);
	assert_labels(wanted);
	put_map(3, &buckets);
	for (size_t i = 0; i < LABELS_MAX + 8; i++) {
		struct bucket *bucket = &buckets[i / BUCKET_SLOTS];

		bucket->top_hashes[i % BUCKET_SLOTS] = 255;
		bucket->keys[i % BUCKET_SLOTS] = strings[2 * i];
		bucket->values[i % BUCKET_SLOTS] = strings[2 * i + 1];
	}
	assert_labels(wanted);
}

static void text_is_cut_where_it_must_be(void **state)
{
	const struct go_string strings[] = {string("a"), string("1"), string("b"), string("2")};
	static const char whole[] = "a=1, b=2";

	(void)state;
	put_list(strings, 2);
	for (size_t size = 1; size <= sizeof(whole) + 1; size++) {
		char text[sizeof(whole) + 2];

		memset(text, 'x', sizeof(text));
		goroutine_labels_read(FAKE_GO, &fake.goroutine, text, size);
		assert_int_equal(strlen(text),
				 size <= sizeof(whole) ? size - 1 : sizeof(whole) - 1);
		assert_memory_equal(text, whole, strlen(text));
		assert_int_equal(text[size], 'x');
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(lists_are_sorted),
		TEST(maps_have_buckets),
		TEST(maps_are_bounded),
		TEST(long_strings_are_cut),
		TEST(absurd_lengths_are_harmless),
		TEST(labels_are_limited),
		TEST(text_is_cut_where_it_must_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
