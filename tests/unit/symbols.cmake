# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Tests of src/process/ and src/symbols/.
foreach(name
		elf_blocks go_functions go_inline_tree go_line_format go_line_section go_line_table
		go_line_tables go_pc_values
		debug_file demangle dwarf_links elf_image elf_symbol_table elf_symbols file_cache gnu_debugdata
		kernel_symbols load_segments mapped_file mapped_object mapping_cache perf_map perf_map_cache
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

# The Go runtime is the oracle of line tables: a program of the machine's own Go, as
# distributions and as operators build it.
parkscope_unit_test(go_line_oracle)
set(go_oracle ${CMAKE_CURRENT_BINARY_DIR}/go_oracle)
function(go_oracle_build suffix)
	add_custom_command(
		OUTPUT ${go_oracle}-${suffix}
		COMMAND ${CMAKE_COMMAND} -E env GO111MODULE=off GOTOOLCHAIN=local GOFLAGS=
			CGO_ENABLED=0 GOCACHE=${PARKSCOPE_GO_CACHE}
			${PARKSCOPE_GO} build -o ${go_oracle}-${suffix} ${ARGN} .
		WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/go_oracle
		DEPENDS go_oracle/main.go go_oracle/generic.go go_oracle/generic_none.go
			go_oracle/linkname.s
		VERBATIM)
endfunction()
go_oracle_build(plain)
go_oracle_build(stripped "-ldflags=-s -w")
go_oracle_build(pie -buildmode=pie)
add_custom_target(go_oracle
	DEPENDS ${go_oracle}-plain ${go_oracle}-stripped ${go_oracle}-pie)
foreach(name go_line_oracle symbolizer)
	add_dependencies(test_${name} go_oracle)
	target_compile_definitions(test_${name} PRIVATE GO_ORACLE="${go_oracle}")
endforeach()
