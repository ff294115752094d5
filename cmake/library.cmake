# libweft: every room's files once, ops/ (less what says "build: once") a second time for double
# precision, kernels/ once per instruction set. The objects serve libweft.so and libweft.a alike.

set(WEFT_ROOMS base ops graph plan inspect layers models data store task train fit report)

# weft_room_sources(out room): the room's .c files, less those whose library is missing.
function(weft_room_sources out room)
    set(dir ${PROJECT_SOURCE_DIR}/src/${room})
    file(GLOB_RECURSE found CONFIGURE_DEPENDS ${dir}/*.c)
    set(kept "")
    foreach(source IN LISTS found)
        get_filename_component(name ${source} NAME_WE)
        if(name MATCHES "^without_(.*)$")
            if(CMAKE_MATCH_1 IN_LIST WEFT_MISSING)
                list(APPEND kept ${source})
            endif()
            continue()
        endif()
        if(WEFT_MISSING_HEADERS)
            file(STRINGS ${source} uses REGEX
                 "^#include [<\"](.*/)?(${WEFT_MISSING_HEADERS})[>\"]" LIMIT_COUNT 1)
        endif()
        if(uses OR (source MATCHES "/src/store/onnx/" AND "onnx" IN_LIST WEFT_MISSING))
            file(RELATIVE_PATH path ${PROJECT_SOURCE_DIR} ${source})
            message(STATUS "Left out: ${path}")
        else()
            list(APPEND kept ${source})
        endif()
    endforeach()
    set(${out} ${kept} PARENT_SCOPE)
endfunction()

# weft_objects(target): an object library with our flags and folders; its sources follow.
function(weft_objects target)
    add_library(${target} OBJECT ${ARGN})
    target_include_directories(${target} PRIVATE
        ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(${target} PRIVATE weft_flags weft_libraries)
    set_property(GLOBAL APPEND PROPERTY WEFT_OBJECTS ${target})
endfunction()

# ---- onnx.proto -> onnx.pb-c.{c,h}, in the build folder ----

if(NOT "onnx" IN_LIST WEFT_MISSING)
    set(generated ${PROJECT_BINARY_DIR}/generated)
    set(proto ${generated}/onnx.proto)
    if(EXISTS ${WEFT_ONNX_PROTO_DIR}/onnx.proto)
        set(proto_source ${WEFT_ONNX_PROTO_DIR}/onnx.proto)
    else()
        set(proto_source ${WEFT_ONNX_PROTO_DIR}/onnx-ml.proto)
    endif()
    file(MAKE_DIRECTORY ${generated})
    add_custom_command(
        OUTPUT ${generated}/onnx.pb-c.c ${generated}/onnx.pb-c.h
        COMMAND ${CMAKE_COMMAND} -E copy ${proto_source} ${proto}
        COMMAND ${WEFT_PROTOC_C} --c_out=${generated} --proto_path=${generated} ${proto}
        DEPENDS ${proto_source} COMMENT "Generating onnx.pb-c" VERBATIM)
    add_custom_target(weft_proto DEPENDS ${generated}/onnx.pb-c.h)
    add_library(weft_onnx_pb OBJECT ${generated}/onnx.pb-c.c) # without our warnings
    target_link_libraries(weft_onnx_pb PRIVATE weft_libraries)
    add_dependencies(weft_onnx_pb weft_proto)
    set_property(GLOBAL APPEND PROPERTY WEFT_OBJECTS weft_onnx_pb)
endif()

# ---- the rooms ----

set(sources "")
foreach(room IN LISTS WEFT_ROOMS)
    weft_room_sources(room_sources ${room})
    list(APPEND sources ${room_sources})
    if(room STREQUAL "ops")
        set(ops_sources ${room_sources})
    endif()
endforeach()
if(EXISTS ${PROJECT_SOURCE_DIR}/src/kernels/dispatch.c)
    list(APPEND sources ${PROJECT_SOURCE_DIR}/src/kernels/dispatch.c)
endif()
weft_objects(weft_rooms ${sources})
if(TARGET weft_proto)
    target_include_directories(weft_rooms SYSTEM PRIVATE ${generated})
    add_dependencies(weft_rooms weft_proto)
endif()
foreach(source IN LISTS ops_sources) # src/ops/common/shared.h says how the two builds share
    file(STRINGS ${source} once REGEX "^/\\* build: once \\*/$" LIMIT_COUNT 1)
    if(once)
        list(REMOVE_ITEM ops_sources ${source})
    endif()
endforeach()
weft_objects(weft_ops_f64 ${ops_sources})
# WEFT_F64 is also a weft_type: a macro that stands for itself can be asked for with #ifdef and
# leaves the name alone.
target_compile_definitions(weft_ops_f64 PRIVATE WEFT_F64=WEFT_F64)

# ---- kernels: the same sources once per dialect ----

include(CheckCCompilerFlag)
set(kernel_flags -fno-math-errno -fno-trapping-math -Wdouble-promotion)
if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
    list(APPEND kernel_flags -O3)
elseif(WEFT_SANITIZE)
    list(APPEND kernel_flags -O2) # else half of the sanitizer run is spent here
endif()
if(WEFT_SANITIZE MATCHES "address" AND CMAKE_C_COMPILER_ID MATCHES "Clang")
    # The unrolled tiles are thousands of accesses: calls instead of inline checks that end the
    # program (UBSAN_OPTIONS of the tests ends it), and not the checks
    # that multiply every address, or this one file takes minutes a dialect.
    set_source_files_properties(${PROJECT_SOURCE_DIR}/src/kernels/ukernel/ukernel.c
        PROPERTIES COMPILE_OPTIONS
        "-O1;-fsanitize-recover=undefined;-mllvm;-asan-instrumentation-with-call-threshold=0;-fno-sanitize=pointer-overflow,alignment,null,object-size")
endif()
file(GLOB_RECURSE kernel_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/kernels/*.c)
list(FILTER kernel_sources EXCLUDE REGEX "/dispatch\\.c$")

# weft_dialect(isa flags...): one build of kernels/, if the compiler has these flags.
function(weft_dialect isa)
    string(TOUPPER ${isa} upper)
    if(ARGN)
        string(REPLACE ";" " " flags "${ARGN}")
        set(CMAKE_REQUIRED_QUIET ON)
        check_c_compiler_flag("${flags}" WEFT_COMPILER_HAS_${upper})
        if(NOT WEFT_COMPILER_HAS_${upper})
            message(STATUS "Without ${isa}: the compiler cannot build it")
            return()
        endif()
    endif()
    target_compile_definitions(weft_rooms PRIVATE WEFT_HAVE_${upper}=1)
    if(kernel_sources)
        weft_objects(weft_kernels_${isa} ${kernel_sources})
        target_compile_options(weft_kernels_${isa} PRIVATE ${kernel_flags} ${ARGN})
        target_compile_definitions(weft_kernels_${isa} PRIVATE WEFT_ISA=${isa})
        if(isa STREQUAL "f64")
            target_compile_definitions(weft_kernels_${isa} PRIVATE WEFT_F64=WEFT_F64)
        endif()
    endif()
    set(WEFT_DIALECTS ${WEFT_DIALECTS} ${isa} PARENT_SCOPE)
endfunction()

set(WEFT_DIALECTS "")
weft_dialect(scalar)
weft_dialect(f64)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|AMD64)$")
    weft_dialect(avx2 -mavx2 -mfma)
    weft_dialect(avx512 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma
                 -mprefer-vector-width=512)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
    weft_dialect(neon)
endif()
message(STATUS "Kernels for: ${WEFT_DIALECTS}")

# ---- the two libraries ----

get_property(object_libraries GLOBAL PROPERTY WEFT_OBJECTS)
set(objects "")
foreach(library IN LISTS object_libraries)
    list(APPEND objects $<TARGET_OBJECTS:${library}>)
endforeach()

add_library(weft_shared SHARED ${objects})
add_library(weft_static STATIC ${objects})
set_target_properties(weft_shared PROPERTIES OUTPUT_NAME weft EXPORT_NAME weft
    VERSION ${PROJECT_VERSION} SOVERSION 0 LINKER_LANGUAGE C)
set_target_properties(weft_static PROPERTIES OUTPUT_NAME weft LINKER_LANGUAGE C)
foreach(library weft_shared weft_static)
    target_link_libraries(${library} PRIVATE weft_libraries)
    target_include_directories(${library} INTERFACE
        $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>)
endforeach()
if(NOT WEFT_SANITIZE)
    target_link_options(weft_shared PRIVATE -Wl,--no-undefined) # clang's sanitizers leave theirs open
endif()
