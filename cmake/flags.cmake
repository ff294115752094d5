# Compiler flags that hold everywhere. Targets of ours link weft_flags.

option(WEFT_WERROR "Warnings are errors (continuous integration)" OFF)
set(WEFT_SANITIZE "" CACHE STRING "Sanitizers: address,undefined or thread or fuzzer")
option(WEFT_COVERAGE "Count executed lines (gcov)" OFF)

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_C_FLAGS_DEBUG "-O1 -g")
set(CMAKE_C_FLAGS_RELEASE "-O2 -DNDEBUG")

add_library(weft_flags INTERFACE)
target_compile_definitions(weft_flags INTERFACE _POSIX_C_SOURCE=200809L _DEFAULT_SOURCE=)
# No contraction: a*b+c must not become one rounding here and two there (same bits every time).
target_compile_options(weft_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wconversion -Wsign-conversion
    -Wcast-qual -Wvla -Wformat=2 -ffp-contract=off)
if(WEFT_WERROR)
    target_compile_options(weft_flags INTERFACE -Werror)
endif()

if(WEFT_SANITIZE MATCHES "fuzzer")
    # The library is only instrumented; the fuzz targets bring libFuzzer's main (programs.cmake).
    set(sanitize -fsanitize=fuzzer-no-link,address,undefined)
elseif(WEFT_SANITIZE)
    set(sanitize -fsanitize=${WEFT_SANITIZE})
endif()
if(WEFT_SANITIZE)
    add_compile_options(${sanitize} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    add_link_options(${sanitize})
endif()
if(WEFT_COVERAGE)
    add_compile_options(--coverage)
    add_link_options(--coverage)
endif()
