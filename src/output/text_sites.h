/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_OUTPUT_TEXT_SITES_H
#define PARKSCOPE_OUTPUT_TEXT_SITES_H

#include <stdbool.h>
#include <stddef.h>

#include "model/site.h"
#include "output/text_internal.h"

/* One table of sites: those of one kind and unit, and what is folded into its last line. */
struct site_group {
	enum site_kind kind;
	enum unit unit;
	bool name_unit; /* there is a table of another unit beside it */
	struct site *const *sites;
	size_t count;
	size_t folded;         /* sites, which are not in `sites` */
	struct site sum;       /* of the folded ones; their interval is all that it has */
	const char *folded_as; /* "idle scheduler threads" */
};

/* Prints nothing for an empty group. */
void text_sites(struct text *text, const struct site_group *group, bool events);

#endif
