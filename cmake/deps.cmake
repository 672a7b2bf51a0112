# Third-party libraries; which folder may include which header is checked by tools/dev/check-layers.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(MLT_LIBS REQUIRED IMPORTED_TARGET libpq sqlite3>=3.31 yaml-0.1 json-c libcrypto zlib)
set(MLT_DEPS PkgConfig::MLT_LIBS Threads::Threads m)
