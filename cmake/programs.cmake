# Programs beside the command: benchmarks (only when asked for), examples, fuzz targets.

function(weft_program name file folder)
    add_executable(${name} ${file} ${ARGN})
    get_filename_component(base ${file} NAME_WE)
    set_target_properties(${name} PROPERTIES OUTPUT_NAME ${base}
                          RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/${folder})
    target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/include
                               ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/${folder})
    target_link_libraries(${name} PRIVATE weft_flags weft_static weft_libraries)
endfunction()

# ---- bench/FILE.c: build/bench/FILE ----

file(GLOB bench_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/bench/*.c)
add_custom_target(bench)
foreach(file IN LISTS bench_sources)
    get_filename_component(name ${file} NAME_WE)
    weft_program(bench.${name} ${file} bench)
    set_target_properties(bench.${name} PROPERTIES EXCLUDE_FROM_ALL ON)
    add_dependencies(bench bench.${name})
endforeach()

# ---- examples/FILE.c: build/examples/FILE, built as a user would: public headers, libweft.so.
# A line "/* run: ARGUMENTS */" makes it a test (in a folder of its own; $WEFT_SOURCE may be said),
# "/* needs: PATH */" one that is skipped where the path (from the source folder) is missing. ----

file(GLOB example_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/examples/*.c)
foreach(file IN LISTS example_sources)
    get_filename_component(name ${file} NAME_WE)
    add_executable(example.${name} ${file})
    set_target_properties(example.${name} PROPERTIES OUTPUT_NAME ${name}
                          RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/examples)
    target_link_libraries(example.${name} PRIVATE weft_flags weft_shared m)
    file(STRINGS ${file} runs REGEX "^/\\* run:" LIMIT_COUNT 1)
    if(BUILD_TESTING AND runs AND NOT CMAKE_CROSSCOMPILING)
        set(place ${PROJECT_BINARY_DIR}/tests/example.${name})
        file(MAKE_DIRECTORY ${place})
        add_test(NAME example.${name} WORKING_DIRECTORY ${place}
                 COMMAND sh ${PROJECT_SOURCE_DIR}/cmake/run-example ${file}
                         $<TARGET_FILE:example.${name}>)
        weft_test_properties(example.${name} ${file} example)
    endif()
endforeach()

# ---- fuzz/FILE.c: LLVMFuzzerTestOneInput, with fuzz/main.c a plain runner over the corpus and
# thousands of damaged copies of it (a ctest); with WEFT_SANITIZE=fuzzer and clang a libFuzzer
# program. ----

file(GLOB fuzz_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/fuzz/*.c)
list(FILTER fuzz_sources EXCLUDE REGEX "/main\\.c$")
foreach(file IN LISTS fuzz_sources)
    get_filename_component(name ${file} NAME_WE)
    if(WEFT_SANITIZE MATCHES "fuzzer")
        weft_program(fuzz.${name} ${file} fuzz)
        target_link_options(fuzz.${name} PRIVATE -fsanitize=fuzzer)
    else()
        weft_program(fuzz.${name} ${file} fuzz ${PROJECT_SOURCE_DIR}/fuzz/main.c)
        if(BUILD_TESTING)
            add_test(NAME fuzz.${name} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
                     COMMAND fuzz.${name} fuzz/corpus/${name})
            weft_test_properties(fuzz.${name} ${file} fuzz)
        endif()
    endif()
endforeach()
