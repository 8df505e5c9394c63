# LibTorch: from a PyPI `torch` wheel (unpacked in $PENSTOCK_DEPS, or in a Python installation), or a
# plain LibTorch. Links torch_cpu and c10 only: find_package(Torch) of a CUDA wheel wants a CUDA toolkit.
# Gives the target Torch::Torch, Torch_VERSION and Torch_LIBRARY_DIRS.
#   TORCH_ROOT   a folder that holds include/torch and lib/ (a wheel's torch/ folder, or libtorch/)

if(DEFINED ENV{PENSTOCK_DEPS})
  set(PENSTOCK_DEPS $ENV{PENSTOCK_DEPS})
else()
  set(PENSTOCK_DEPS $ENV{HOME}/.cache/penstock/deps)
endif()

find_path(Torch_INCLUDE_DIR torch/script.h
  HINTS ${TORCH_ROOT} $ENV{TORCH_ROOT} ${PENSTOCK_DEPS}/torch PATH_SUFFIXES include
  PATHS /opt/libtorch /usr/local/libtorch)
if(Torch_INCLUDE_DIR)
  get_filename_component(_torch_root ${Torch_INCLUDE_DIR} DIRECTORY)
endif()
find_library(Torch_CPU_LIBRARY torch_cpu HINTS ${_torch_root}/lib NO_DEFAULT_PATH)
find_library(Torch_C10_LIBRARY c10 HINTS ${_torch_root}/lib NO_DEFAULT_PATH)
if(NOT Torch_CPU_LIBRARY)
  find_library(Torch_CPU_LIBRARY torch_cpu)
  find_library(Torch_C10_LIBRARY c10)
endif()
if(Torch_INCLUDE_DIR AND EXISTS ${Torch_INCLUDE_DIR}/torch/headeronly/version.h)
  file(STRINGS ${Torch_INCLUDE_DIR}/torch/headeronly/version.h _v REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
elseif(Torch_INCLUDE_DIR AND EXISTS ${Torch_INCLUDE_DIR}/torch/csrc/api/include/torch/version.h)
  file(STRINGS ${Torch_INCLUDE_DIR}/torch/csrc/api/include/torch/version.h _v REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
endif()
string(REGEX REPLACE "[^0-9;]*([0-9]+)[^;]*" "\\1" _v "${_v}")
string(REPLACE ";" "." Torch_VERSION "${_v}")

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Torch
  REQUIRED_VARS Torch_CPU_LIBRARY Torch_C10_LIBRARY Torch_INCLUDE_DIR VERSION_VAR Torch_VERSION
  REASON_FAILURE_MESSAGE "run tools/install-deps, or set TORCH_ROOT, or configure with -DPENSTOCK_COMPONENTS=OFF")

if(Torch_FOUND AND NOT TARGET Torch::Torch)
  get_filename_component(Torch_LIBRARY_DIRS ${Torch_CPU_LIBRARY} DIRECTORY)
  # A CUDA wheel's torch_cpu names libcudart and libcupti: the linker must find them; at run time the
  # wheel's own RUNPATH does (torch/ and nvidia/ lie side by side).
  file(GLOB _nvidia ${_torch_root}/../nvidia/*/lib ${_torch_root}/../nvidia/*/lib64)
  set(_paths ${Torch_LIBRARY_DIRS} ${_nvidia})
  add_library(Torch::Torch INTERFACE IMPORTED)
  target_include_directories(Torch::Torch SYSTEM INTERFACE ${Torch_INCLUDE_DIR} ${Torch_INCLUDE_DIR}/torch/csrc/api/include)
  target_link_libraries(Torch::Torch INTERFACE ${Torch_CPU_LIBRARY} ${Torch_C10_LIBRARY})
  foreach(_p ${_paths})
    target_link_options(Torch::Torch INTERFACE "LINKER:-rpath-link,${_p}")
  endforeach()
endif()
