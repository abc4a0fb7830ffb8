// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "commands/commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "host/features.h"

static void print_feature(enum feature feature, const struct host_features *features)
{
	const struct feature_info *info = feature_info(feature);
	const char *forced = features->forced_off[feature] ? " (forced off)" : "";

	printf("%-18s %-3s  %s%s\n", info->name, features->has[feature] ? "yes" : "no",
	       info->used_for, forced);
	if (!features->has[feature])
		printf("%-18s      without it: %s\n", "", info->without);
}

int features_run(const struct options *options, struct error *error)
{
	struct host_features features;
	struct utsname host;
	int err = features_probe(options->forced_off, &features, error);

	if (err)
		return err;
	if (!uname(&host))
		printf("%s %s %s %s\n\n", host.sysname, host.release, host.machine, host.nodename);
	for (int i = 0; i < FEATURE_COUNT; i++)
		print_feature((enum feature)i, &features);
	if (fflush(stdout))
		return error_set(error, -errno, "cannot write: %s", strerror(errno));
	return features_check_required(&features, error);
}
