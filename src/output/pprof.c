// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#define HASH_NONFATAL_OOM 1
#include "output/pprof.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <zlib.h>

#include "formats/profile.pb-c.h"
#include "output/escape.h"

/* Bytes of one escaped string. */
#define TEXT_MAX 4096

/* Short names for what protoc-c makes of the package's name. */
typedef Perftools__Profiles__Profile Profile;
typedef Perftools__Profiles__ValueType ValueType;
typedef Perftools__Profiles__Sample Sample;
typedef Perftools__Profiles__Label Label;
typedef Perftools__Profiles__Mapping Mapping;
typedef Perftools__Profiles__Location Location;
typedef Perftools__Profiles__Line Line;
typedef Perftools__Profiles__Function Function;

/* A string of the profile and its index. */
struct string_entry {
	int64_t index;
	UT_hash_handle hh;
	char text[];
};

enum item_kind {
	ITEM_MAPPING,
	ITEM_FUNCTION,
	ITEM_LOCATION,
};

/* A mapping, function or location: what tells it from others, and its id. */
struct item {
	struct item_key {
		uint64_t kind;
		uint64_t values[4];
	} key;
	uint64_t id; /* its number in the profile, from 1 */
	UT_hash_handle hh;
};

/*
 * All messages are allocated by malloc(), so that the profile frees them as if it had been
 * unpacked. Without memory `failed` is set, and the profile is not written.
 */
struct builder {
	Profile *profile;
	struct string_entry *strings;
	struct item *items;
	bool failed;
};

static void builder_release(struct builder *builder)
{
	struct string_entry *string, *next_string;
	struct item *item, *next_item;

	HASH_ITER (hh, builder->strings, string, next_string) {
		HASH_DEL(builder->strings, string);
		free(string);
	}
	HASH_ITER (hh, builder->items, item, next_item) {
		HASH_DEL(builder->items, item);
		free(item);
	}
	if (builder->profile)
		perftools__profiles__profile__free_unpacked(builder->profile, NULL);
}

/*
 * Makes room for one more element of `size` bytes in an array whose capacity is the power
 * of two at or above its count. NULL without memory.
 */
static void *room_for_one(struct builder *builder, void *array, size_t count, size_t size)
{
	void *grown = array;

	if (!(count & (count - 1))) {
		grown = realloc(array, (count ? 2 * count : 1) * size);
		if (!grown)
			builder->failed = true;
	}
	return grown;
}

/* Appends a value to a repeated field; an allocated one that finds no room stays the caller's. */
#define append(builder, message, field, item)                                               \
	({                                                                                  \
		void *array = room_for_one(builder, (message)->field, (message)->n_##field, \
					   sizeof((message)->field[0]));                    \
		if (array) {                                                                \
			(message)->field = array;                                           \
			(message)->field[(message)->n_##field++] = item;                    \
		}                                                                           \
		array != NULL;                                                              \
	})

/* A message as `initial` has it, allocated. NULL without memory. */
static void *new_message(struct builder *builder, const void *initial, size_t size)
{
	void *message = malloc(size);

	if (message)
		memcpy(message, initial, size);
	else
		builder->failed = true;
	return message;
}

#define new_of(builder, type, INIT) ((type *)new_message(builder, &(const type)INIT, sizeof(type)))

/* Appends a message, or frees it: it is the profile's or nobody's. */
#define append_message(builder, parent, field, message)                               \
	({                                                                            \
		bool appended = (message) && append(builder, parent, field, message); \
		if (!appended && (message))                                           \
			protobuf_c_message_free_unpacked(&(message)->base, NULL);     \
		appended;                                                             \
	})

/* The index of a string that we know to be safe. */
static int64_t add_text(struct builder *builder, const char *text)
{
	size_t length = strlen(text);
	struct string_entry *entry = NULL;
	char *copy;

	HASH_FIND(hh, builder->strings, text, length, entry);
	if (entry)
		return entry->index;
	entry = calloc(1, sizeof(*entry) + length + 1);
	copy = strdup(text);
	if (entry && copy) {
		entry->index = (int64_t)builder->profile->n_string_table;
		memcpy(entry->text, text, length);
		HASH_ADD(hh, builder->strings, text, length, entry);
	}
	if (!entry || !copy || !entry->hh.tbl) {
		builder->failed = true;
		free(entry);
		free(copy);
		return 0;
	}
	if (!append(builder, builder->profile, string_table, copy))
		free(copy);
	return entry->index;
}

/* The index of a string that a process says; 0, the empty string, for NULL. */
static int64_t add_hostile(struct builder *builder, const char *text)
{
	char safe[TEXT_MAX];

	if (!text)
		return 0;
	escape_text(text, false, safe, sizeof(safe));
	return add_text(builder, safe);
}

/* The id of an item, and whether it is new: then the caller makes its message. */
static uint64_t add_item(struct builder *builder, enum item_kind kind, const uint64_t values[4],
			 size_t count, bool *fresh)
{
	struct item_key key = {.kind = kind};
	struct item *item = NULL;

	*fresh = false;
	memcpy(key.values, values, sizeof(key.values));
	HASH_FIND(hh, builder->items, &key, sizeof(key), item);
	if (item)
		return item->id;
	item = calloc(1, sizeof(*item));
	if (item) {
		item->key = key;
		item->id = count + 1;
		HASH_ADD(hh, builder->items, key, sizeof(item->key), item);
	}
	if (!item || !item->hh.tbl) {
		builder->failed = true;
		free(item);
		return 0;
	}
	*fresh = true;
	return item->id;
}

/* 0: no mapping is known. */
static uint64_t add_mapping(struct builder *builder, const struct frame *frame)
{
	const uint64_t values[4] = {(uint64_t)add_hostile(builder, frame->module),
				    (uint64_t)add_hostile(builder, frame->build_id)};
	Mapping *mapping;
	uint64_t id;
	bool fresh;

	if (!frame->module)
		return 0;
	id = add_item(builder, ITEM_MAPPING, values, builder->profile->n_mapping, &fresh);
	if (!fresh)
		return id;
	mapping = new_of(builder, Mapping, PERFTOOLS__PROFILES__MAPPING__INIT);
	if (mapping) {
		mapping->id = id;
		mapping->filename = (int64_t)values[0];
		mapping->build_id = (int64_t)values[1];
		/* Names come from us: pprof is not to look for the file on its own host. */
		mapping->has_functions = true;
	}
	append_message(builder, builder->profile, mapping, mapping);
	return id;
}

static uint64_t add_function(struct builder *builder, const struct frame *frame)
{
	uint64_t values[4] = {0, (uint64_t)add_hostile(builder, frame->file)};
	char guess[TEXT_MAX];
	Function *function;
	uint64_t id;
	bool fresh;

	snprintf(guess, sizeof(guess), "%s [?]", frame->function);
	values[0] = (uint64_t)add_hostile(builder, frame->guess ? guess : frame->function);
	id = add_item(builder, ITEM_FUNCTION, values, builder->profile->n_function, &fresh);
	if (!fresh)
		return id;
	function = new_of(builder, Function, PERFTOOLS__PROFILES__FUNCTION__INIT);
	if (function) {
		function->id = id;
		function->name = function->system_name = (int64_t)values[0];
		function->filename = (int64_t)values[1];
	}
	append_message(builder, builder->profile, function, function);
	return id;
}

static uint64_t add_location(struct builder *builder, const struct frame *frame)
{
	const uint64_t values[4] = {
		add_mapping(builder, frame),
		frame->function ? add_function(builder, frame) : 0,
		frame->file ? frame->line : 0,
		frame->address,
	};
	Location *location;
	uint64_t id;
	bool fresh;

	id = add_item(builder, ITEM_LOCATION, values, builder->profile->n_location, &fresh);
	if (!fresh)
		return id;
	location = new_of(builder, Location, PERFTOOLS__PROFILES__LOCATION__INIT);
	if (location) {
		location->id = id;
		location->mapping_id = values[0];
		location->address = frame->address;
	}
	if (location && values[1]) {
		Line *line = new_of(builder, Line, PERFTOOLS__PROFILES__LINE__INIT);

		if (line) {
			line->function_id = values[1];
			line->line = (int64_t)values[2];
		}
		append_message(builder, location, line, line);
	}
	append_message(builder, builder->profile, location, location);
	return id;
}

static void add_label(struct builder *builder, Sample *sample, const char *key, int64_t text,
		      int64_t number)
{
	Label *label = new_of(builder, Label, PERFTOOLS__PROFILES__LABEL__INIT);

	if (label) {
		label->key = add_text(builder, key);
		label->str = text;
		label->num = number;
	}
	append_message(builder, sample, label, label);
}

static void add_labels(struct builder *builder, Sample *sample,
		       const struct watched_process *process, const struct site *site)
{
	char text[TEXT_MAX];

	add_label(builder, sample, "reason", add_text(builder, site->reason), 0);
	snprintf(text, sizeof(text), "%016" PRIx64, site->id.hash);
	add_label(builder, sample, "site", add_text(builder, text), 0);
	/* One that made only some of them would count them all. */
	if (site->creator && site->creator->count && !site->creators_differ) {
		frame_print(&site->creator->frames[site->creator->count - 1], text, sizeof(text));
		add_label(builder, sample, "created_by", add_hostile(builder, text), 0);
	}
	/* By these `diff` finds the same process, or program, in another profile. */
	if (process->name)
		add_label(builder, sample, "process", add_hostile(builder, process->name), 0);
	if (process->entity_id)
		add_label(builder, sample, "entity_id", add_hostile(builder, process->entity_id),
			  0);
	add_label(builder, sample, "pid", 0, process->pid);
}

static void add_site(struct builder *builder, const struct watched_process *process,
		     const struct site *site)
{
	bool goroutines = site->unit == UNIT_GOROUTINE;
	int64_t now = (int64_t)site->crowd.now;
	Sample *sample = new_of(builder, Sample, PERFTOOLS__PROFILES__SAMPLE__INIT);

	if (!sample)
		return;
	append(builder, sample, value, goroutines ? now : 0);
	append(builder, sample, value, goroutines ? 0 : now);
	for (size_t i = 0; i < site->stack->count; i++)
		if (site->stack->frames[i].kind != FRAME_KERNEL)
			append(builder, sample, location_id,
			       add_location(builder, &site->stack->frames[i]));
	add_labels(builder, sample, process, site);
	append_message(builder, builder->profile, sample, sample);
}

static int add_process(struct builder *builder, const struct pprof_config *config,
		       const struct watched_process *process)
{
	autofree struct site **sites = NULL;
	size_t count = 0;
	int code = report_sites(process, SITE_PARK, &sites, &count);

	for (size_t i = 0; i < count && !code; i++) {
		const struct site *site = sites[i];

		if (site->crowd.now && unit_is_shown(config->units, site->unit) &&
		    (config->runtime || !site->runtime))
			add_site(builder, process, site);
	}
	return code;
}

/* pprof takes the first mapping for the program itself. */
static void add_main_mapping(struct builder *builder, const struct watched_process *process)
{
	const char *slash = process->executable ? strrchr(process->executable, '/') : NULL;
	struct site *site, *next;

	if (!slash)
		return;
	HASH_ITER (hh, process->sites, site, next) {
		for (size_t i = 0; i < site->stack->count; i++) {
			const struct frame *frame = &site->stack->frames[i];

			if (!frame->module || strcmp(frame->module, slash + 1) != 0)
				continue;
			add_mapping(builder, frame);
			return;
		}
	}
}

static ValueType *new_value_type(struct builder *builder, const char *type)
{
	ValueType *value = new_of(builder, ValueType, PERFTOOLS__PROFILES__VALUE_TYPE__INIT);

	if (value) {
		value->type = add_text(builder, type);
		value->unit = add_text(builder, "count");
	}
	return value;
}

static void add_sample_type(struct builder *builder, const char *type)
{
	ValueType *value = new_value_type(builder, type);

	append_message(builder, builder->profile, sample_type, value);
}

static void add_comment(struct builder *builder, const char *text)
{
	append(builder, builder->profile, comment, add_text(builder, text));
}

/* Who made it, and what could not be seen. */
static void add_comments(struct builder *builder, const struct report *report,
			 const struct pprof_config *config)
{
	char text[TEXT_MAX];

	snprintf(text, sizeof(text), "parkscope %s", config->version);
	add_comment(builder, text);
	for (size_t i = 0; report->losses && i < report->losses->count; i++) {
		if (!report->losses->items[i].interval)
			continue;
		snprintf(text, sizeof(text), "lost: %" PRIu64 " %s",
			 report->losses->items[i].interval, report->losses->items[i].cause);
		add_comment(builder, text);
	}
}

static bool shows_goroutines(const struct report *report, const struct pprof_config *config)
{
	if (config->units == SHOWN_THREADS)
		return false;
	for (size_t i = 0; i < report->processes_count; i++)
		if (watched_process_has_goroutines(report->processes[i]))
			return true;
	return config->units == SHOWN_GOROUTINES;
}

static int build(struct builder *builder, const struct report *report,
		 const struct pprof_config *config)
{
	const char *main_type = shows_goroutines(report, config) ? "goroutines" : "threads";
	int code = 0;

	builder->profile = new_of(builder, Profile, PERFTOOLS__PROFILES__PROFILE__INIT);
	if (!builder->profile)
		return -ENOMEM;
	add_text(builder, "");
	add_sample_type(builder, "goroutines");
	add_sample_type(builder, "threads");
	builder->profile->default_sample_type = add_text(builder, main_type);
	builder->profile->period_type = new_value_type(builder, main_type);
	builder->profile->period = 1; /* each one was looked at */
	builder->profile->time_nanos = report->wall_ns;
	add_comments(builder, report, config);
	if (report->processes_count)
		add_main_mapping(builder, report->processes[0]);
	for (size_t i = 0; i < report->processes_count && !code; i++)
		code = add_process(builder, config, report->processes[i]);
	return builder->failed ? -ENOMEM : code;
}

/* One gzip member. -ENOMEM. */
static int compress_gzip(const uint8_t *data, size_t length, uint8_t **ret, size_t *ret_length)
{
	/* 15: the largest window; 16 more: a gzip header instead of zlib's. */
	const int window_bits = 15 + 16;
	z_stream stream = {.next_in = (Bytef *)data, .avail_in = (uInt)length};
	autofree uint8_t *packed = NULL;
	size_t bound;
	int code;

	if (length > UINT32_MAX / 2 || deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED,
						    window_bits, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	bound = deflateBound(&stream, length);
	packed = malloc(bound);
	if (packed) {
		stream.next_out = packed;
		stream.avail_out = (uInt)bound;
	}
	code = packed && deflate(&stream, Z_FINISH) == Z_STREAM_END ? 0 : -ENOMEM;
	*ret_length = code ? *ret_length : stream.total_out;
	deflateEnd(&stream);
	if (!code)
		*ret = take_ptr(packed);
	return code;
}

int pprof_write(const struct report *report, const struct pprof_config *config, struct sink *sink,
		struct error *error)
{
	cleanup(builder_release) struct builder builder = {0};
	autofree uint8_t *packed = NULL, *data = NULL;
	size_t length = 0;
	int code = build(&builder, report, config);

	if (!code) {
		data = malloc(perftools__profiles__profile__get_packed_size(builder.profile));
		code = data ? 0 : -ENOMEM;
	}
	if (!code)
		code = compress_gzip(data,
				     perftools__profiles__profile__pack(builder.profile, data),
				     &packed, &length);
	if (code)
		return error_set(error, code, "out of memory");
	return sink_write(sink, (const char *)packed, length, error);
}
