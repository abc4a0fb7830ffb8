# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Tests of src/process/ and src/symbols/.
foreach(name
		debug_file demangle elf_image elf_symbol_table elf_symbols file_cache gnu_debugdata
		kernel_symbols load_segments mapped_file mapping_cache perf_map perf_map_cache
		perf_map_lines proc_file process_identity process_maps process_memory source_lines
		symbol_index symbolizer)
	parkscope_unit_test(${name})
endforeach()

# What addr2line and we look at: inlined code, in every configuration.
add_executable(source_lines_sample source_lines_sample.c)
# addr2line of binutils 2.40 misreads the ranges that clang writes in DWARF 5.
target_compile_options(source_lines_sample
	PRIVATE -O2 $<IF:$<C_COMPILER_ID:Clang>,-gdwarf-4,-gdwarf-5>)
target_link_options(source_lines_sample PRIVATE -Wl,--build-id)
add_dependencies(test_source_lines source_lines_sample)
target_compile_definitions(test_source_lines
	PRIVATE SOURCE_LINES_SAMPLE="$<TARGET_FILE:source_lines_sample>")
