# Flags of our own code, in one interface target: warnings, sanitizers, hardening.
include(CheckCCompilerFlag)
include(CheckPIESupported)
check_pie_supported(LANGUAGES C)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

add_library(mlt_flags INTERFACE)
target_compile_definitions(mlt_flags INTERFACE _GNU_SOURCE $<$<BOOL:${MLT_FAULTS}>:MLT_FAULTS>)
target_compile_options(mlt_flags INTERFACE -Wall -Wextra -Wshadow -Wconversion
                       $<$<C_COMPILER_ID:GNU>:-Wno-format-truncation> # messages are cut on purpose
                       $<$<BOOL:${MLT_WERROR}>:-Werror>)

if(MLT_SANITIZE)
  string(REPLACE ";" "," sanitizers "${MLT_SANITIZE}")
  target_compile_options(mlt_flags INTERFACE -fsanitize=${sanitizers} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(mlt_flags INTERFACE -fsanitize=${sanitizers})
endif()

if(MLT_COVERAGE) # single: several times faster; threads lose a count now and then, never a line
  target_compile_options(mlt_flags INTERFACE --coverage -fprofile-update=single)
  target_link_options(mlt_flags INTERFACE --coverage)
endif()

# Hardening. _FORTIFY_SOURCE needs optimisation and hides calls from the sanitizers.
target_compile_options(mlt_flags INTERFACE -fstack-protector-strong)
foreach(flag -fstack-clash-protection -fcf-protection) # not on every processor
  string(MAKE_C_IDENTIFIER "MLT_HAS${flag}" has)
  check_c_compiler_flag(${flag} ${has})
  if(${has})
    target_compile_options(mlt_flags INTERFACE ${flag})
  endif()
endforeach()
if(NOT MLT_SANITIZE)
  target_compile_options(mlt_flags INTERFACE $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=3>)
endif()
target_link_options(mlt_flags INTERFACE LINKER:-z,relro LINKER:-z,now LINKER:-z,noexecstack LINKER:--as-needed)
