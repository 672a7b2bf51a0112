# sql/*.sql and migrations/*.sql become NUL-terminated strings mlt_sql_<name>; sql/mlflow/*.sql become deflated blobs in one table
# (schema/ddl.c). Both by tools/dev/embed.c, a program of the build.
add_executable(mlt-embed tools/dev/embed.c)
find_package(ZLIB REQUIRED)
target_link_libraries(mlt-embed PRIVATE ZLIB::ZLIB)
function(mlt_embed out)
  file(GLOB statements CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/sql/*.sql ${CMAKE_SOURCE_DIR}/migrations/*.sql)
  file(GLOB dumps CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/sql/mlflow/*.sql)
  set(gen ${CMAKE_BINARY_DIR}/gen)
  file(MAKE_DIRECTORY ${gen})
  add_custom_command(
    OUTPUT ${gen}/sql.c ${gen}/sql.h
    COMMAND mlt-embed strings ${gen}/sql.c ${gen}/sql.h ${statements}
    DEPENDS mlt-embed ${statements}
    VERBATIM)
  add_custom_command(
    OUTPUT ${gen}/mlflow_ddl.c
    COMMAND mlt-embed blobs ${gen}/mlflow_ddl.c ${dumps}
    DEPENDS mlt-embed ${dumps}
    VERBATIM)
  set(${out} ${gen}/sql.c ${gen}/sql.h ${gen}/mlflow_ddl.c PARENT_SCOPE)
endfunction()
