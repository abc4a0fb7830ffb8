// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols/demangle.h"

#include <errno.h>
#include <libiberty/demangle.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* The readable name while it is written. */
struct writer {
	char *text;
	size_t length;
	size_t room; /* bytes that `text` takes, its NUL not counted */
	jmp_buf full;
};

static bool is_ascii(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] >= 0x80)
			return false;
	return true;
}

static bool is_full(const struct writer *writer)
{
	return writer->length == writer->room;
}

static void append(struct writer *writer, const char *text, size_t length)
{
	size_t room = writer->room - writer->length;
	size_t taken = length < room ? length : room;

	memcpy(writer->text + writer->length, text, taken);
	writer->length += taken;
}

/*
 * Leaves the demangler when the room is full: it has no other way to be stopped, and
 * keeps everything on its stack. A short name can stand for one without end.
 */
static void take_cxx_piece(const char *text, size_t length, void *context)
{
	struct writer *writer = context;

	append(writer, text, length);
	if (is_full(writer))
		longjmp(writer->full, 1);
}

/*
 * The exception is a Rust name in Punycode, which the demangler decodes into memory
 * and hands over in one piece: never leave from such a piece. What stands between
 * identifiers is ASCII, so that it is left soon after.
 */
static void take_rust_piece(const char *text, size_t length, void *context)
{
	struct writer *writer = context;

	/* An empty identifier comes as NULL. */
	if (!length)
		return;
	append(writer, text, length);
	if (is_full(writer) && is_ascii(text, length))
		longjmp(writer->full, 1);
}

static bool run_rust(struct writer *writer, const char *name)
{
	if (setjmp(writer->full))
		return true;
	return rust_demangle_callback(name, DMGL_NO_OPTS, take_rust_piece, writer) != 0;
}

static bool run_cxx(struct writer *writer, const char *name)
{
	if (setjmp(writer->full))
		return true;
	return cplus_demangle_v3_callback(name, DMGL_NO_OPTS, take_cxx_piece, writer) != 0;
}

/* Neither letters, digits nor '_', which C++ names consist of. */
static size_t length_without_suffix(const char *name)
{
	return strcspn(name, ".@");
}

static bool demangle_cxx(struct writer *writer, const char *name)
{
	char core[DEMANGLE_NAME_MAX + 1] = "";
	size_t length = length_without_suffix(name);

	memcpy(core, name, length);
	if (!run_cxx(writer, core))
		return false;
	append(writer, name + length, strlen(name + length));
	return true;
}

static bool demangle_rust(struct writer *writer, const char *name)
{
	if (run_rust(writer, name))
		return true;
	/* It may have written the start before it saw the damage. */
	writer->length = 0;
	return false;
}

int demangle(const char *name, size_t size, char **out)
{
	bool may_be_cxx = strncmp(name, "_Z", 2) == 0;
	autofree char *text = NULL;
	struct writer writer = {0};
	char *fit;

	if ((!may_be_cxx && strncmp(name, "_R", 2) != 0) ||
	    strnlen(name, DEMANGLE_NAME_MAX + 1) > DEMANGLE_NAME_MAX)
		return -EINVAL;
	text = malloc(size);
	if (!text)
		return -ENOMEM;
	writer.text = text;
	writer.room = size - 1;
	/* Legacy Rust names are valid C++ names too. */
	if (!demangle_rust(&writer, name) && !(may_be_cxx && demangle_cxx(&writer, name)))
		return -EINVAL;
	text[writer.length] = '\0';
	fit = strdup(text);
	if (!fit)
		return -ENOMEM;
	*out = fit;
	return 0;
}
