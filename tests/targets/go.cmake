# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Programs in Go. They are built without the network, with everything that Go writes below the
# build folder, and with GOPATH lookup instead of modules: they use the standard library only.
find_program(PARKSCOPE_GO NAMES go HINTS /usr/lib/go-1.19/bin /usr/lib/go/bin)
require_toolchain(PARKSCOPE_GO golang-go "Go")

# add_go_target(name source_dir [CGO] [GO go] [BUILDMODE mode] [LDFLAGS ...] [FLAGS ...]):
# the package main in source_dir as the program <name>, by the target target_<name>. CGO allows C in
# it, which is linked with libc then. GO names another toolchain than the machine's. FLAGS are more
# flags of go build. Does nothing where there is no Go: require_toolchain has spoken already.
function(add_go_target name source_dir)
	cmake_parse_arguments(PARSE_ARGV 2 arg "CGO" "GO;BUILDMODE" "LDFLAGS;FLAGS")
	if(arg_UNPARSED_ARGUMENTS)
		message(FATAL_ERROR "add_go_target(${name}): unknown ${arg_UNPARSED_ARGUMENTS}")
	endif()
	if(NOT arg_GO)
		set(arg_GO ${PARKSCOPE_GO})
	endif()
	if(NOT arg_GO)
		return()
	endif()
	set(flags ${arg_FLAGS})
	if(arg_BUILDMODE)
		list(APPEND flags -buildmode=${arg_BUILDMODE})
	endif()
	if(arg_LDFLAGS)
		string(REPLACE ";" " " arg_LDFLAGS "${arg_LDFLAGS}")
		list(APPEND flags -ldflags "${arg_LDFLAGS}")
	endif()
	set(cgo 0)
	if(arg_CGO)
		set(cgo 1)
	endif()
	get_filename_component(source_dir ${source_dir} ABSOLUTE)
	file(GLOB sources CONFIGURE_DEPENDS ${source_dir}/*)
	add_custom_command(
		OUTPUT ${targets_dir}/${name}
		COMMAND ${CMAKE_COMMAND} -E env --unset=GOROOT
			GOENV=off GOFLAGS= GO111MODULE=off GOTOOLCHAIN=local GOPROXY=off CGO_ENABLED=${cgo}
			GOPATH=${PROJECT_BINARY_DIR}/go GOCACHE=${PROJECT_BINARY_DIR}/go/cache
			${arg_GO} build ${flags} -o ${targets_dir}/${name} .
		DEPENDS ${sources}
		WORKING_DIRECTORY ${source_dir}
		VERBATIM)
	add_custom_target(target_${name} ALL DEPENDS ${targets_dir}/${name})
endfunction()
