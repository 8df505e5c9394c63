# Apache Arrow and Parquet: from a PyPI `pyarrow` wheel (which has no CMake files and only versioned
# libraries), or an installed libarrow. Gives Arrow::Arrow (with Parquet) and Arrow_VERSION.
#   ARROW_ROOT   a folder that holds include/arrow (a wheel's pyarrow/ folder, or a prefix)

if(DEFINED ENV{PENSTOCK_DEPS})
  set(PENSTOCK_DEPS $ENV{PENSTOCK_DEPS})
else()
  set(PENSTOCK_DEPS $ENV{HOME}/.cache/penstock/deps)
endif()

find_path(Arrow_INCLUDE_DIR arrow/api.h
  HINTS ${ARROW_ROOT} $ENV{ARROW_ROOT} ${PENSTOCK_DEPS}/pyarrow PATH_SUFFIXES include)
if(Arrow_INCLUDE_DIR)
  get_filename_component(_arrow_root ${Arrow_INCLUDE_DIR} DIRECTORY)
endif()
foreach(_lib arrow parquet arrow_compute)
  file(GLOB _found ${_arrow_root}/lib${_lib}.so.????)
  if(NOT _found)
    find_library(Arrow_${_lib}_FALLBACK ${_lib} HINTS ${_arrow_root}/lib)
    set(_found ${Arrow_${_lib}_FALLBACK})
  endif()
  if(_found)
    list(GET _found 0 Arrow_${_lib}_LIBRARY)
  endif()
endforeach()
if(EXISTS ${Arrow_INCLUDE_DIR}/arrow/util/config.h)
  file(STRINGS ${Arrow_INCLUDE_DIR}/arrow/util/config.h _v REGEX "define ARROW_VERSION_STRING")
  string(REGEX REPLACE ".*\"([^\"]+)\".*" "\\1" Arrow_VERSION "${_v}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Arrow
  REQUIRED_VARS Arrow_arrow_LIBRARY Arrow_parquet_LIBRARY Arrow_INCLUDE_DIR VERSION_VAR Arrow_VERSION
  REASON_FAILURE_MESSAGE "run tools/install-deps, or set ARROW_ROOT, or configure with -DPENSTOCK_COMPONENTS=OFF")

if(Arrow_FOUND AND NOT TARGET Arrow::Arrow)
  get_filename_component(_dir ${Arrow_arrow_LIBRARY} DIRECTORY)
  set(_libraries ${Arrow_parquet_LIBRARY} ${Arrow_arrow_LIBRARY})
  if(Arrow_arrow_compute_LIBRARY AND NOT Arrow_arrow_compute_LIBRARY MATCHES NOTFOUND)
    list(PREPEND _libraries ${Arrow_arrow_compute_LIBRARY})
  endif()
  add_library(Arrow::Arrow INTERFACE IMPORTED)
  target_include_directories(Arrow::Arrow SYSTEM INTERFACE ${Arrow_INCLUDE_DIR})
  target_link_libraries(Arrow::Arrow INTERFACE ${_libraries})
  target_link_options(Arrow::Arrow INTERFACE "LINKER:-rpath-link,${_dir}")
endif()
