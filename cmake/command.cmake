# The command: build/weft, with the library inside. Its man pages and shell completion come from
# its own option tables: `weft help --man COMMAND`, see cmake/manuals.

file(GLOB_RECURSE cli_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/cli/*.c)
if(cli_sources)
    add_executable(weft_command ${cli_sources})
    set_target_properties(weft_command PROPERTIES OUTPUT_NAME weft)
    target_include_directories(weft_command PRIVATE
        ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/cli)
    target_link_libraries(weft_command PRIVATE weft_flags weft_static weft_libraries)
    if(NOT CMAKE_CROSSCOMPILING AND NOT WEFT_SANITIZE)
        set(manuals ${PROJECT_BINARY_DIR}/manuals)
        add_custom_command(
            OUTPUT ${manuals}/done
            COMMAND sh ${PROJECT_SOURCE_DIR}/cmake/manuals $<TARGET_FILE:weft_command>
                    ${PROJECT_SOURCE_DIR}/cli/table.def ${manuals}
            DEPENDS weft_command ${PROJECT_SOURCE_DIR}/cmake/manuals
            COMMENT "Writing man pages and shell completion" VERBATIM)
        add_custom_target(weft_manuals ALL DEPENDS ${manuals}/done)
    endif()
endif()
