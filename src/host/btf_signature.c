// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "host/btf_signature.h"

#include <errno.h>
#include <string.h>

static const struct btf_type *resolved_type(const struct btf *btf, __u32 id)
{
	const struct btf_type *type = btf__type_by_id(btf, id);

	while (type && (btf_is_typedef(type) || btf_is_mod(type)))
		type = btf__type_by_id(btf, type->type);
	return type;
}

static bool is_task_pointer(const struct btf *btf, __u32 id)
{
	const struct btf_type *type = resolved_type(btf, id);

	if (!type || !btf_is_ptr(type))
		return false;
	type = resolved_type(btf, type->type);
	return type && btf_is_struct(type) &&
	       strcmp(btf__name_by_offset(btf, type->name_off), "task_struct") == 0;
}

static bool is_integer_of_size(const struct btf *btf, __u32 id, __u32 size)
{
	const struct btf_type *type = resolved_type(btf, id);

	return type && btf_is_int(type) && type->size == size;
}

/* The parameters of the tracepoint's probe function, the hidden context first; NULL: none. */
static const struct btf_type *tracepoint_prototype(const struct btf *btf, const char *typedef_name)
{
	const struct btf_type *type;
	__s32 id = btf__find_by_name_kind(btf, typedef_name, BTF_KIND_TYPEDEF);

	if (id < 0)
		return NULL;
	type = resolved_type(btf, (__u32)id);
	if (!type || !btf_is_ptr(type))
		return NULL;
	type = resolved_type(btf, type->type);
	return type && btf_is_func_proto(type) ? type : NULL;
}

int btf_sched_switch_layout(const struct btf *btf, struct sched_switch_layout *layout,
			    struct error *error)
{
	const struct btf_type *prototype = tracepoint_prototype(btf, "btf_trace_sched_switch");
	const struct btf_param *parameters;
	bool known;
	int arguments;

	if (!prototype)
		return error_set(error, -ENOENT, "the kernel's BTF has no tracepoint sched_switch");
	parameters = btf_params(prototype);
	arguments = btf_vlen(prototype) - 1;

	known = (arguments == 3 || arguments == 4) &&
		is_integer_of_size(btf, parameters[1].type, 1) &&
		is_task_pointer(btf, parameters[2].type) &&
		is_task_pointer(btf, parameters[3].type);
	if (known && arguments == 4)
		known = is_integer_of_size(btf, parameters[4].type, sizeof(unsigned int));
	if (!known)
		return error_set(error, -ENOTSUP,
				 "the kernel's tracepoint sched_switch has a signature that this "
				 "version of parkscope does not know");

	layout->arguments = arguments;
	layout->has_prev_state = arguments == 4;
	return 0;
}

bool btf_has_struct(const struct btf *btf, const char *name)
{
	return btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT) > 0;
}

bool btf_has_field(const struct btf *btf, const char *structure, const char *field)
{
	__s32 id = btf__find_by_name_kind(btf, structure, BTF_KIND_STRUCT);
	const struct btf_type *type = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;
	const struct btf_member *members = type ? btf_members(type) : NULL;

	for (int i = 0; type && i < btf_vlen(type); i++)
		if (strcmp(btf__name_by_offset(btf, members[i].name_off), field) == 0)
			return true;
	return false;
}

bool btf_has_function(const struct btf *btf, const char *name)
{
	return btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) > 0;
}
