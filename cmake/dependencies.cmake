# Libraries. Each is AUTO (used when found), ON (must be there) or OFF. A source file that includes
# the header of a library that is not used stays out of the build, and src/ROOM/without_NAME.c,
# where there is one, takes its place (NAME is the option's, in small letters).
#
# Gives: weft_libraries (link it), WEFT_MISSING (names), WEFT_MISSING_HEADERS (a pattern),
# WEFT_PC_REQUIRES (for weft.pc).

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(PkgConfig)

add_library(weft_libraries INTERFACE)
target_link_libraries(weft_libraries INTERFACE Threads::Threads m)
set(WEFT_MISSING "")
set(WEFT_MISSING_HEADERS "")
set(WEFT_PC_REQUIRES "")

# weft_library(NAME module header): the pkg-config module that brings the header.
function(weft_library name module header)
    set(WEFT_${name} AUTO CACHE STRING "${module}: AUTO, ON or OFF")
    if(NOT WEFT_${name} STREQUAL "OFF" AND PkgConfig_FOUND)
        pkg_check_modules(${name} IMPORTED_TARGET ${module})
    endif()
    if(WEFT_${name} STREQUAL "OFF" OR NOT ${name}_FOUND)
        if(WEFT_${name} STREQUAL "ON")
            message(FATAL_ERROR "${module} is not installed (make setup installs it)")
        endif()
        message(STATUS "Without ${module}")
        string(TOLOWER ${name} lower)
        set(WEFT_MISSING ${WEFT_MISSING} ${lower} PARENT_SCOPE)
        set(WEFT_MISSING_HEADERS ${WEFT_MISSING_HEADERS} ${header} PARENT_SCOPE)
        return()
    endif()
    message(STATUS "With ${module} ${${name}_VERSION}")
    target_link_libraries(weft_libraries INTERFACE PkgConfig::${name})
    target_compile_definitions(weft_libraries INTERFACE WEFT_HAVE_${name}=1)
    set(WEFT_PC_REQUIRES ${WEFT_PC_REQUIRES} ${module} PARENT_SCOPE)
endfunction()

weft_library(ZLIB zlib zlib.h)
weft_library(PNG libpng png.h)
weft_library(JPEG libturbojpeg turbojpeg.h)
weft_library(JANSSON jansson jansson.h)
weft_library(CAIRO cairo cairo.h)
weft_library(ICU icu-uc unicode/ubrk.h)

# ONNX needs the protobuf-c library, its compiler and onnx.proto.
find_program(WEFT_PROTOC_C protoc-c)
find_path(WEFT_ONNX_PROTO_DIR NAMES onnx.proto onnx-ml.proto PATH_SUFFIXES onnx
          PATHS /usr/include NO_CMAKE_FIND_ROOT_PATH)
set(WEFT_ONNX AUTO CACHE STRING "ONNX files: AUTO, ON or OFF")
if(WEFT_ONNX STREQUAL "AUTO" AND NOT (WEFT_PROTOC_C AND WEFT_ONNX_PROTO_DIR))
    set(WEFT_ONNX OFF)
elseif(WEFT_ONNX STREQUAL "ON" AND NOT (WEFT_PROTOC_C AND WEFT_ONNX_PROTO_DIR))
    message(FATAL_ERROR "ONNX needs protobuf-c-compiler and libonnx-dev (make setup)")
endif()
weft_library(ONNX libprotobuf-c onnx.pb-c.h)
string(REPLACE ";" "|" WEFT_MISSING_HEADERS "${WEFT_MISSING_HEADERS}")
