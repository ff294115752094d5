# Tests. Every FILE.c in tests/ROOM and its folders, which mirror src/ROOM, is one program and one
# ctest, ROOM.FILE; tests/FILE.c is FILE;
# every tests/cli/FILE.sh is cli.FILE and gets the command as $WEFT. A file may say, in lines of
# their own near its top (with # instead of the comment signs in a script):
#
#     /* link: -Wl,--wrap=fsync */    more options for the linker
#     /* labels: threads slow */      ctest labels ("threads": run under ThreadSanitizer too;
#                                     "slow": left out under sanitizers; "native": neither
#                                     there nor under qemu; "alone": while no other runs)
#     /* timeout: 600 */              seconds; 300 unless told
#
# Programs run in the source folder; exit code 77 means skipped.

find_path(WEFT_CMOCKA_INCLUDE cmocka.h)
find_library(WEFT_CMOCKA cmocka)
set(test_environment "WEFT_SOURCE=${PROJECT_SOURCE_DIR}" "WEFT_BUILD=${PROJECT_BINARY_DIR}"
    "ASAN_OPTIONS=detect_stack_use_after_return=1:allocator_may_return_null=1"
    "LSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/cmake/lsan.supp:print_suppressions=0"
    "UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1" "TSAN_OPTIONS=halt_on_error=1")

# weft_test_says(out file word): what the file says after "word:", as a list.
function(weft_test_says out file word)
    file(STRINGS ${file} lines REGEX "^(/\\*|#) ${word}: " LIMIT_COUNT 4)
    set(said "")
    foreach(line IN LISTS lines)
        string(REGEX REPLACE "^(/\\*|#) ${word}: *" "" line "${line}")
        string(REGEX REPLACE " *\\*/.*$" "" line "${line}")
        separate_arguments(words UNIX_COMMAND "${line}")
        list(APPEND said ${words})
    endforeach()
    set(${out} ${said} PARENT_SCOPE)
endfunction()

# weft_test_properties(name file labels...): labels and timeout, by what the file says.
function(weft_test_properties name file)
    weft_test_says(labels ${file} labels)
    weft_test_says(timeout ${file} timeout)
    if(NOT timeout)
        set(timeout 300)
    endif()
    set_tests_properties(${name} PROPERTIES LABELS "${ARGN};${labels}" TIMEOUT ${timeout}
                         ENVIRONMENT "${test_environment}" SKIP_RETURN_CODE 77)
    if(labels MATCHES "alone")
        set_tests_properties(${name} PROPERTIES RUN_SERIAL ON)
    endif()
endfunction()

function(weft_test_program name file)
    weft_test_says(link ${file} link)
    add_executable(${name} ${file})
    set_target_properties(${name} PROPERTIES
                          RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
    target_include_directories(${name} PRIVATE
        ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/tests
        ${WEFT_CMOCKA_INCLUDE})
    if(TARGET weft_proto)
        target_include_directories(${name} SYSTEM PRIVATE ${generated})
        add_dependencies(${name} weft_proto)
    endif()
    target_link_options(${name} PRIVATE ${link})
    if(CMAKE_C_COMPILER_ID MATCHES "Clang")
        target_compile_options(${name} PRIVATE -Wno-string-conversion) # CHECK(!"what went wrong")
    endif()
    target_link_libraries(${name} PRIVATE weft_flags weft_static weft_libraries ${WEFT_CMOCKA})
    add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
endfunction()

if(WEFT_CMOCKA AND WEFT_CMOCKA_INCLUDE)
    foreach(room base kernels ops graph plan inspect layers models data store task train fit report .)
        if(room STREQUAL ".")
            file(GLOB test_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/*.c)
        else()
            file(GLOB_RECURSE test_sources CONFIGURE_DEPENDS
                 ${PROJECT_SOURCE_DIR}/tests/${room}/*.c)
        endif()
        foreach(file IN LISTS test_sources)
            get_filename_component(name ${file} NAME_WE)
            if(name MATCHES "^onnx" AND "onnx" IN_LIST WEFT_MISSING)
                continue() # there is nothing to test
            endif()
            if(NOT room STREQUAL ".")
                set(name ${room}.${name})
            endif()
            weft_test_program(${name} ${file})
            weft_test_properties(${name} ${file} ${room})
        endforeach()
    endforeach()
else()
    message(WARNING "cmocka is not installed: no test programs (make setup)")
endif()

if(TARGET weft_command AND NOT CMAKE_CROSSCOMPILING)
    file(GLOB test_scripts CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/cli/*.sh)
    foreach(file IN LISTS test_scripts)
        get_filename_component(name ${file} NAME_WE)
        set(place ${PROJECT_BINARY_DIR}/tests/cli/${name})
        file(MAKE_DIRECTORY ${place})
        file(STRINGS ${file} first_line LIMIT_COUNT 1)
        set(shell sh)
        if(first_line MATCHES "bash")
            set(shell bash)
        endif()
        add_test(NAME cli.${name} COMMAND ${shell} ${file} WORKING_DIRECTORY ${place})
        weft_test_properties(cli.${name} ${file} cli)
        set_property(TEST cli.${name} APPEND PROPERTY
                     ENVIRONMENT "WEFT=$<TARGET_FILE:weft_command>")
    endforeach()
endif()

# ---- every public header alone, as C11 and as C++17 ----

file(GLOB public_headers CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/include
     ${PROJECT_SOURCE_DIR}/include/weft/*.h)
include(CheckLanguage)
if(CMAKE_CXX_COMPILER STREQUAL "NOTFOUND") # of an earlier configuration; it may have come since
    unset(CMAKE_CXX_COMPILER CACHE)
endif()
check_language(CXX)
if(CMAKE_CXX_COMPILER)
    enable_language(CXX)
    set(CMAKE_CXX_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")
    set(CMAKE_CXX_FLAGS_DEBUG "${CMAKE_C_FLAGS_DEBUG}")
endif()
set(alone "")
foreach(header IN LISTS public_headers)
    string(REPLACE "/" "_" name ${header})
    set(text "/* ${header} compiles alone. */\n#include <${header}>\n")
    string(APPEND text "extern int weft_header_compiles_alone;\n")
    foreach(language c cpp)
        set(file ${PROJECT_BINARY_DIR}/headers/${name}.${language})
        if(language STREQUAL "c" OR CMAKE_CXX_COMPILER)
            file(CONFIGURE OUTPUT ${file} CONTENT "${text}" @ONLY)
            list(APPEND alone ${file})
        endif()
    endforeach()
endforeach()
if(alone)
    add_library(weft_headers_alone OBJECT ${alone})
    target_include_directories(weft_headers_alone PRIVATE ${PROJECT_SOURCE_DIR}/include)
    target_compile_options(weft_headers_alone PRIVATE -Wall -Wextra -Wpedantic -Werror)
endif()

# ---- the tree itself ----

add_test(NAME rooms COMMAND sh tools/check-rooms WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
add_test(NAME docs COMMAND sh tools/check-docs WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
find_program(WEFT_CLANG_FORMAT NAMES clang-format-14 clang-format)
if(WEFT_CLANG_FORMAT)
    add_test(NAME format COMMAND sh tools/format --check WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    set_tests_properties(format PROPERTIES
                         ENVIRONMENT "CLANG_FORMAT=${WEFT_CLANG_FORMAT}" LABELS lint)
endif()
set_tests_properties(rooms docs PROPERTIES LABELS lint)
find_program(WEFT_PYTHON NAMES python3)
if(WEFT_PYTHON) # only whether the faults still fit the code; `make mutate` plants them
    add_test(NAME mutate COMMAND ${WEFT_PYTHON} tools/mutate --check
             WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    set_tests_properties(mutate PROPERTIES LABELS lint)
endif()

if(NOT WEFT_SANITIZE AND NOT WEFT_COVERAGE AND NOT CMAKE_CROSSCOMPILING)
    add_test(NAME exports COMMAND sh tools/exports $<TARGET_FILE:weft_shared>
             WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    add_test(NAME install COMMAND sh ${PROJECT_SOURCE_DIR}/tests/install/run.sh
             ${PROJECT_BINARY_DIR})
    set_tests_properties(exports install PROPERTIES LABELS package)
    set_tests_properties(install PROPERTIES TIMEOUT 300 ENVIRONMENT
        "CMAKE=${CMAKE_COMMAND};CC=${CMAKE_C_COMPILER};CXX=${CMAKE_CXX_COMPILER}")
endif()
