# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Tests of src/process/ and src/symbols/.
foreach(name
		demangle elf_image elf_symbol_table elf_symbols file_cache gnu_debugdata
		kernel_symbols mapped_file mapping_cache perf_map perf_map_cache perf_map_lines proc_file
		process_identity process_maps process_memory symbol_index symbolizer)
	parkscope_unit_test(${name})
endforeach()
