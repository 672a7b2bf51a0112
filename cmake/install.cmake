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

# The manual and the completions are printed by the program itself, from its option table.
install(TARGETS mltrack-bulk)
set(share ${CMAKE_BINARY_DIR}/share)
set(printed)
foreach(page "man/man1/mltrack-bulk.1 --man" "bash-completion/completions/mltrack-bulk --completion bash"
             "zsh/site-functions/_mltrack-bulk --completion zsh"
             "fish/vendor_completions.d/mltrack-bulk.fish --completion fish")
  separate_arguments(page UNIX_COMMAND "${page}")
  list(POP_FRONT page file)
  cmake_path(GET file PARENT_PATH folder)
  file(MAKE_DIRECTORY ${share}/${folder})
  add_custom_command(OUTPUT ${share}/${file} COMMAND mltrack-bulk help ${page} > ${share}/${file}
                     DEPENDS mltrack-bulk VERBATIM)
  list(APPEND printed ${share}/${file}) # with its folder: a bare mltrack-bulk would be the program
endforeach()
add_custom_target(mlt_printed ALL DEPENDS ${printed})
install(DIRECTORY ${share}/ DESTINATION ${CMAKE_INSTALL_DATAROOTDIR})
