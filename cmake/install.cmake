# What `cmake --install` gives: the program with its man page and completions, the library shared and
# static, mltrack.h, a pkg-config file and a CMake package.
include(CMakePackageConfigHelpers)

install(TARGETS mltrack mltrack_static EXPORT mltrackTargets)
install(FILES src/mltrack.h TYPE INCLUDE)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/mltrack)
install(EXPORT mltrackTargets NAMESPACE mltrack:: DESTINATION ${package_dir})
configure_package_config_file(cmake/mltrackConfig.cmake.in ${CMAKE_BINARY_DIR}/mltrackConfig.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/mltrackConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/mltrackConfig.cmake ${CMAKE_BINARY_DIR}/mltrackConfigVersion.cmake
        DESTINATION ${package_dir})

# From <prefix>/lib[/triplet]/pkgconfig up to <prefix>, so that the tree may be moved.
string(REGEX REPLACE "[^/]+" ".." MLT_PC_PREFIX "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
list(TRANSFORM MLT_LIBS_LIBRARIES PREPEND "-l" OUTPUT_VARIABLE private)
list(JOIN private " " MLT_PC_PRIVATE)
string(APPEND MLT_PC_PRIVATE " -pthread -lm")
configure_file(cmake/mltrack.pc.in ${CMAKE_BINARY_DIR}/mltrack.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/mltrack.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# The manual and the completions are printed by the programs themselves, from their option tables.
install(TARGETS ${MLT_PROGRAMS})
set(share ${CMAKE_BINARY_DIR}/share)
set(printed)
foreach(program ${MLT_PROGRAMS})
  set(asked ${program})
  if(program STREQUAL "mltrack-bulk") # it has commands, and one of them does this
    set(asked ${program} help)
  endif()
  foreach(page "man/man1/${program}.1 --man" "bash-completion/completions/${program} --completion bash"
               "zsh/site-functions/_${program} --completion zsh"
               "fish/vendor_completions.d/${program}.fish --completion fish")
    separate_arguments(page UNIX_COMMAND "${page}")
    list(POP_FRONT page file)
    cmake_path(GET file PARENT_PATH folder)
    file(MAKE_DIRECTORY ${share}/${folder})
    add_custom_command(OUTPUT ${share}/${file} COMMAND ${asked} ${page} > ${share}/${file}
                       DEPENDS ${program} VERBATIM)
    list(APPEND printed ${share}/${file}) # with its folder: a bare name would be the program
  endforeach()
endforeach()
add_custom_target(mlt_printed ALL DEPENDS ${printed})
install(DIRECTORY ${share}/ DESTINATION ${CMAKE_INSTALL_DATAROOTDIR})
