# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Tests of src/goruntime/.
foreach(name go_build_info go_layout go_layout_dwarf go_semaphores go_version go_wait_reason)
	parkscope_unit_test(${name})
endforeach()

# A program by the Go of this machine. PARKSCOPE_GO_BINARIES, a list with spaces, adds
# programs by others when test_go_layout_dwarf and test_go_wait_reason run.
set(go_sample ${CMAKE_CURRENT_BINARY_DIR}/go_sample)
add_custom_command(OUTPUT ${go_sample}
	COMMAND ${CMAKE_COMMAND} -E env GOCACHE=${PARKSCOPE_GO_CACHE}
		GO111MODULE=off GOFLAGS= GOTOOLCHAIN=local CGO_ENABLED=0
		${PARKSCOPE_GO} build -o ${go_sample} ${CMAKE_CURRENT_SOURCE_DIR}/go_sample.go
	DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/go_sample.go
	VERBATIM)
add_custom_target(go_sample_program DEPENDS ${go_sample})
foreach(name go_build_info go_layout_dwarf go_wait_reason)
	add_dependencies(test_${name} go_sample_program)
	target_compile_definitions(test_${name} PRIVATE GO_SAMPLE="${go_sample}")
endforeach()
