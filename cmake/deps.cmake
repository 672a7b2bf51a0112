# Third-party libraries; which folder may include which header is checked by tools/dev/check-layers.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
set(MLT_PKGS "libpq sqlite3>=3.31 yaml-0.1 json-c libcrypto zlib libzstd libcurl>=7.85")
separate_arguments(pkgs UNIX_COMMAND "${MLT_PKGS}")
pkg_check_modules(MLT_LIBS REQUIRED IMPORTED_TARGET ${pkgs})
set(MLT_DEPS PkgConfig::MLT_LIBS Threads::Threads m)
