// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "input/pprof_dump.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "formats/profile.pb-c.h"
#include "input/dump_fields.h"
#include "input/gunzip.h"

/* What the messages of a profile may take: an empty one has two bytes in the file, and 100 here. */
#define MESSAGES_BYTES_MAX ((size_t)512 << 20)

/* Short names for what protoc-c makes of the package's name. */
typedef Perftools__Profiles__Profile Profile;
typedef Perftools__Profiles__Sample Sample;
typedef Perftools__Profiles__Label Label;
typedef Perftools__Profiles__Mapping Mapping;
typedef Perftools__Profiles__Location Location;
typedef Perftools__Profiles__Function Function;

/* A sample and whose it is: indices of strings. */
struct owned_sample {
	const Sample *sample;
	int64_t pid;
	int64_t entity_id;
	int64_t name;
	size_t order; /* in the file */
};

struct reading {
	struct dump *dump;
	const Profile *profile;
	size_t goroutines, threads; /* the places of their values in a sample */
};

/* What protobuf-c may still allocate. */
struct budget {
	size_t left;
	bool exceeded;
};

static void *take_memory(void *data, size_t size)
{
	struct budget *budget = data;

	if (size > budget->left) {
		budget->exceeded = true;
		return NULL;
	}
	budget->left -= size;
	return malloc(size);
}

/* What is given back cannot be taken again: protobuf-c gives nothing back until the end. */
static void give_memory(void *data, void *memory)
{
	(void)data;
	free(memory);
}

static int damaged(struct error *error, const char *what)
{
	return error_set(error, -EBADMSG, "its %s are not as they should be", what);
}

static int foreign(struct error *error)
{
	return error_set(error, -EBADMSG,
			 "it is a profile, but not one of 'parkscope dump -f pprof'");
}

/* NULL: there is no such string. */
static const char *text_at(const Profile *profile, int64_t index)
{
	if (index < 0 || (size_t)index >= profile->n_string_table)
		return NULL;
	return profile->string_table[index];
}

/* The label with this key; NULL: the sample has none. */
static const Label *label_of(const Profile *profile, const Sample *sample, const char *key)
{
	for (size_t i = 0; i < sample->n_label; i++) {
		const char *text = text_at(profile, sample->label[i]->key);

		if (text && strcmp(text, key) == 0)
			return sample->label[i];
	}
	return NULL;
}

/* NULL: there is none, or it has no text. */
static const char *label_text(const Profile *profile, const Sample *sample, const char *key)
{
	const Label *label = label_of(profile, sample, key);

	return label && label->str ? text_at(profile, label->str) : NULL;
}

static bool find_sample_type(const Profile *profile, const char *type, size_t *place)
{
	for (size_t i = 0; i < profile->n_sample_type; i++) {
		const char *text = text_at(profile, profile->sample_type[i]->type);

		if (text && strcmp(text, type) == 0) {
			*place = i;
			return true;
		}
	}
	return false;
}

/* Ids are numbers from 1 in the order of the file, as pprof itself writes them. */
#define item_of(profile, field, wanted) \
	((wanted) && (wanted) <= (profile)->n_##field ? (profile)->field[(wanted)-1] : NULL)

static int copy_text(struct dump *dump, const char *text, char **copy, struct error *error)
{
	return text && *text ? dump_copy_text(dump, text, copy, error) : 0;
}

/* "NAME [?]" is a guess, "[NAME]" no code. */
static int read_function(struct reading *reading, const Location *location, struct frame *frame,
			 struct error *error)
{
	static const char guess[] = " [?]";
	const Function *function =
		item_of(reading->profile, function, location->line[0]->function_id);
	const char *name = function ? text_at(reading->profile, function->name) : NULL;
	size_t length = name ? strlen(name) : 0;
	int err;

	if (!length || length > DUMP_STRING_MAX || location->line[0]->line < 0 ||
	    location->line[0]->line > UINT32_MAX)
		return damaged(error, "functions");
	frame->line = (uint32_t)location->line[0]->line;
	err = copy_text(reading->dump, name, &frame->function, error);
	if (!err)
		err = copy_text(reading->dump, text_at(reading->profile, function->filename),
				&frame->file, error);
	if (err)
		return err;
	if (!location->mapping_id && name[0] == '[' && name[length - 1] == ']')
		frame->kind = FRAME_LABEL;
	else if (length > strlen(guess) && strcmp(name + length - strlen(guess), guess) == 0) {
		frame->guess = true;
		frame->function[length - strlen(guess)] = '\0';
	}
	return 0;
}

static int read_frame(struct reading *reading, uint64_t id, struct frame *frame,
		      struct error *error)
{
	const Location *location = item_of(reading->profile, location, id);
	const Mapping *mapping;
	const char *module = NULL;
	int err;

	if (!location || location->n_line > 1)
		return damaged(error, "locations");
	if (location->mapping_id) {
		mapping = item_of(reading->profile, mapping, location->mapping_id);
		module = mapping ? text_at(reading->profile, mapping->filename) : NULL;
		if (!module)
			return damaged(error, "mappings");
	}
	frame->address = location->address;
	err = copy_text(reading->dump, module, &frame->module, error);
	if (!err && location->n_line)
		err = read_function(reading, location, frame, error);
	return err;
}

/* One unit a sample: the other's number is 0. */
static int read_values(const struct reading *reading, const Sample *sample, struct dump_site *site,
		       struct error *error)
{
	int64_t goroutines, threads;

	if (sample->n_value != reading->profile->n_sample_type)
		return damaged(error, "values");
	goroutines = sample->value[reading->goroutines];
	threads = sample->value[reading->threads];
	if (goroutines < 0 || threads < 0 || (goroutines && threads) ||
	    goroutines + threads > (int64_t)DUMP_COUNT_MAX)
		return damaged(error, "values");
	site->unit = goroutines ? UNIT_GOROUTINE : UNIT_THREAD;
	site->now = (uint64_t)(goroutines + threads);
	return 0;
}

static int read_site(struct reading *reading, struct dump_process *process, const Sample *sample,
		     struct error *error)
{
	const Profile *profile = reading->profile;
	const char *id = label_text(profile, sample, "site");
	const char *reason = label_text(profile, sample, "reason");
	struct dump_site *site;
	int err;

	if (!id || !reason)
		return foreign(error);
	err = dump_add_site(reading->dump, process, sample->n_location_id, &site);
	if (err)
		return dump_add_failed(err, error);
	if (!dump_id_parse(id, &site->id) || !dump_reason_is_valid(reason))
		return damaged(error, "labels");
	err = read_values(reading, sample, site, error);
	if (!err)
		err = copy_text(reading->dump, reason, &site->reason, error);
	if (!err)
		err = copy_text(reading->dump, label_text(profile, sample, "created_by"),
				&site->created_by, error);
	for (size_t i = 0; i < sample->n_location_id && !err; i++)
		err = read_frame(reading, sample->location_id[i], &site->stack->frames[i], error);
	process->go = process->go || site->unit == UNIT_GOROUTINE;
	return err;
}

static bool is_same_owner(const struct owned_sample *a, const struct owned_sample *b)
{
	return a->pid == b->pid && a->entity_id == b->entity_id && a->name == b->name;
}

#define compare(a, b) (((a) > (b)) - ((a) < (b)))

static int compare_owners(const void *left, const void *right)
{
	const struct owned_sample *a = left, *b = right;

	if (a->pid != b->pid)
		return compare(a->pid, b->pid);
	if (a->entity_id != b->entity_id)
		return compare(a->entity_id, b->entity_id);
	if (a->name != b->name)
		return compare(a->name, b->name);
	return compare(a->order, b->order);
}

static int64_t label_index(const Profile *profile, const Sample *sample, const char *key)
{
	const Label *label = label_of(profile, sample, key);

	return label ? label->str : 0;
}

/* The samples of each process one after the other. */
static struct owned_sample *sort_samples(const Profile *profile)
{
	struct owned_sample *samples = calloc(profile->n_sample + 1, sizeof(*samples));

	for (size_t i = 0; samples && i < profile->n_sample; i++) {
		const Sample *sample = profile->sample[i];
		const Label *pid = label_of(profile, sample, "pid");

		samples[i] = (struct owned_sample){
			.sample = sample,
			.pid = pid ? pid->num : 0,
			.entity_id = label_index(profile, sample, "entity_id"),
			.name = label_index(profile, sample, "process"),
			.order = i,
		};
	}
	if (samples && profile->n_sample)
		qsort(samples, profile->n_sample, sizeof(*samples), compare_owners);
	return samples;
}

static int read_process(struct reading *reading, const struct owned_sample *owner,
			struct error *error)
{
	struct dump_process *process;
	int err = dump_add_process(reading->dump, &process);

	if (err)
		return dump_add_failed(err, error);
	if (owner->pid < 0 || owner->pid > DUMP_PID_MAX)
		return damaged(error, "labels");
	process->pid = (uint32_t)owner->pid;
	err = copy_text(reading->dump, text_at(reading->profile, owner->entity_id),
			&process->entity_id, error);
	return err ? err
		   : copy_text(reading->dump, text_at(reading->profile, owner->name),
			       &process->name, error);
}

static int read_samples(struct reading *reading, struct error *error)
{
	size_t count = reading->profile->n_sample;
	autofree struct owned_sample *samples = sort_samples(reading->profile);
	int err = samples ? 0 : error_set(error, -ENOMEM, "out of memory");

	for (size_t i = 0; i < count && !err; i++) {
		struct dump *dump = reading->dump;

		if (!i || !is_same_owner(&samples[i - 1], &samples[i]))
			err = read_process(reading, &samples[i], error);
		if (!err)
			err = read_site(reading, &dump->processes[dump->processes_count - 1],
					samples[i].sample, error);
	}
	return err;
}

/* Comments: who made it ("parkscope 0.1.0"), and "lost: 12 thread_moved". */
static bool read_comments(struct reading *reading)
{
	const Profile *profile = reading->profile;
	bool ours = false;

	for (size_t i = 0; i < profile->n_comment; i++) {
		const char *text = text_at(profile, profile->comment[i]);
		unsigned long long lost;

		if (text && strncmp(text, "parkscope ", strlen("parkscope ")) == 0)
			ours = true;
		if (!text || strncmp(text, "lost: ", strlen("lost: ")) != 0)
			continue;
		lost = strtoull(text + strlen("lost: "), NULL, 10);
		if (lost <= DUMP_COUNT_MAX && reading->dump->losses <= DUMP_COUNT_MAX)
			reading->dump->losses += lost;
	}
	return ours;
}

static int read_profile(const Profile *profile, struct dump **ret, struct error *error)
{
	auto_free(dump) struct dump *dump = dump_new();
	struct reading reading = {.dump = dump, .profile = profile};
	int err;

	if (!dump)
		return error_set(error, -ENOMEM, "out of memory");
	if (!read_comments(&reading) ||
	    !find_sample_type(profile, "goroutines", &reading.goroutines) ||
	    !find_sample_type(profile, "threads", &reading.threads))
		return foreign(error);
	if (profile->time_nanos < 0)
		return damaged(error, "times");
	dump->wall_ns = profile->time_nanos;
	err = read_samples(&reading, error);
	if (!err)
		*ret = take_ptr(dump);
	return err;
}

int pprof_dump_parse(const uint8_t *data, size_t length, struct dump **dump, struct error *error)
{
	struct budget budget = {.left = MESSAGES_BYTES_MAX};
	ProtobufCAllocator allocator = {
		.alloc = take_memory,
		.free = give_memory,
		.allocator_data = &budget,
	};
	Profile *profile = perftools__profiles__profile__unpack(&allocator, length, data);
	int err;

	if (!profile && budget.exceeded)
		return error_set(error, -E2BIG, "it is too large to be compared");
	if (!profile)
		return error_set(error, -EBADMSG, "it is no profile, or is damaged");
	err = read_profile(profile, dump, error);
	perftools__profiles__profile__free_unpacked(profile, &allocator);
	return err;
}

int pprof_dump_read(FILE *file, struct dump **dump, struct error *error)
{
	autofree uint8_t *data = NULL;
	size_t length;
	int err = gunzip(file, PPROF_BYTES_MAX, &data, &length, error);

	return err ? err : pprof_dump_parse(data, length, dump, error);
}
