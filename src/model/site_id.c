// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/site_id.h"

#include <ctype.h>
#include <string.h>

/* Inlined: the state is then a complete type and can stand on the stack. */
#define XXH_INLINE_ALL
#include <xxhash.h>

/* Changes when the same stack would get another id: fleets compare them. */
#define SITE_ID_VERSION "parkscope-site-1"

const char *unit_name(enum unit unit)
{
	return unit == UNIT_GOROUTINE ? "goroutine" : "thread";
}

/* ".isra.0", ".part.3", ".constprop.1", ".cold", ".lto_priv.0", ".llvm.123": one function all the
 * same */
static size_t length_without_compiler_suffix(const char *name)
{
	static const char *const suffixes[] = {".isra", ".part",     ".constprop",
					       ".cold", ".lto_priv", ".llvm"};
	size_t length = strlen(name);

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		const char *found = strstr(name, suffixes[i]);
		char next = found ? found[strlen(suffixes[i])] : 'x';

		if (found && found != name && (next == '\0' || next == '.') &&
		    (size_t)(found - name) < length)
			length = (size_t)(found - name);
	}
	return length;
}

/* "::h0123456789abcdef" ends a demangled legacy Rust name and changes with each build. */
static size_t length_without_rust_hash(const char *name, size_t length)
{
	const size_t hash_length = strlen("::h") + 16;
	const char *hash = name + length - hash_length;

	if (length <= hash_length || strncmp(hash, "::h", 3) != 0)
		return length;
	for (size_t i = 3; i < hash_length; i++)
		if (!isxdigit((unsigned char)hash[i]))
			return length;
	return length - hash_length;
}

/* "libc-2.36.so" and "libfoo.so.1.2.3" are the module "libc" and "libfoo" in every version. */
static size_t length_without_module_version(const char *module)
{
	const char *extension = strstr(module, ".so");
	size_t length = extension ? (size_t)(extension - module) : strlen(module);
	size_t end = length;

	while (end > 0 && (isdigit((unsigned char)module[end - 1]) || module[end - 1] == '.'))
		end--;
	return end > 1 && end < length && module[end - 1] == '-' ? end - 1 : length;
}

static void add_text(XXH3_state_t *state, const char *text, size_t length)
{
	XXH3_64bits_update(state, text, length);
	XXH3_64bits_update(state, "", 1);
}

/* Hexadecimal digits of the hash in the names that cgo makes: src/cmd/cgo/out.go. */
#define CGO_HASH_LENGTH 12

/*
 * "_cgo_7df7bce4f389_Cfunc_pause" is what cgo calls its stub for pause(): the digits change
 * with every edit of the package. Behind them the name begins; NULL: it is no such name.
 */
static const char *behind_cgo_hash(const char *name, const char *prefix)
{
	const char *hash = name + strlen(prefix);

	if (strncmp(name, prefix, strlen(prefix)) != 0)
		return NULL;
	for (size_t i = 0; i < CGO_HASH_LENGTH; i++)
		if (!isxdigit((unsigned char)hash[i]))
			return NULL;
	return hash[CGO_HASH_LENGTH] == '_' ? hash + CGO_HASH_LENGTH : NULL;
}

static const char *name_for_id(const char *function)
{
	static const char *const prefixes[] = {"_cgo_", "_cgoexp_", "_cgoexpwrap_"};
	const char *dot = strrchr(function, '.');

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		const char *name = behind_cgo_hash(dot ? dot + 1 : function, prefixes[i]);

		if (name)
			return name;
	}
	return function;
}

struct site_id site_id_of(enum unit unit, const char *reason, const struct stack *stack)
{
	struct site_id id = {.portable = true};
	const char *previous = NULL;
	size_t previous_length = 0;
	XXH3_state_t state;

	XXH3_64bits_reset(&state);
	add_text(&state, SITE_ID_VERSION, strlen(SITE_ID_VERSION));
	add_text(&state, unit_name(unit), strlen(unit_name(unit)));
	add_text(&state, reason, strlen(reason));

	for (size_t i = 0; i < stack->count; i++) {
		const struct frame *frame = &stack->frames[i];
		const char *name;
		size_t length;

		if (frame->kind == FRAME_KERNEL || frame->kind == FRAME_INLINED || frame->guess)
			continue;
		if (!frame->function) {
			const char *module = frame->module ? frame->module : "";
			const char *build_id = frame->build_id ? frame->build_id : "";

			id.portable = false;
			previous = NULL;
			add_text(&state, module, length_without_module_version(module));
			add_text(&state, build_id, strlen(build_id));
			XXH3_64bits_update(&state, &frame->offset, sizeof(frame->offset));
			continue;
		}
		name = name_for_id(frame->function);
		length = length_without_compiler_suffix(name);
		length = length_without_rust_hash(name, length);
		if (previous && length == previous_length && memcmp(previous, name, length) == 0)
			continue;
		add_text(&state, name, length);
		previous = name;
		previous_length = length;
	}
	id.hash = XXH3_64bits_digest(&state);
	return id;
}
