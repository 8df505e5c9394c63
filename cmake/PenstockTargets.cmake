# How every target of the project is declared, so that a folder's CMakeLists.txt is a list of facts.

find_program(CCACHE ccache)
if(CCACHE)
  # Relative paths make one clone's results good for another; precompiled headers need the sloppiness.
  set(CMAKE_CXX_COMPILER_LAUNCHER env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=true
    CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE})
endif()

# What nearly every file includes is compiled once for the libraries and once, with GoogleTest, for the tests
# (which differ in optimisation and position independence). Files still include what they use. Two thirds of
# a file's time were these headers.
option(PENSTOCK_PCH "Precompile the headers that nearly every file includes" ON)
# json_fwd.h says how whole numbers are read, before the library is seen.
set(PENSTOCK_PCH_HEADERS <operator/base/json_fwd.h> <chrono> <filesystem> <fstream> <functional> <map> <memory> <mutex> <optional> <set>
  <sstream> <string> <string_view> <thread> <variant> <vector> <nlohmann/json.hpp>)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  add_compile_options(-fpch-preprocess)
endif()

# The first target of a kind makes the headers, the others take them from it.
function(penstock_precompile target kind)
  if(NOT PENSTOCK_PCH)
    return()
  endif()
  get_property(owner GLOBAL PROPERTY PENSTOCK_PCH_OWNER_${kind})
  if(owner)
    target_precompile_headers(${target} REUSE_FROM ${owner})
  else()
    target_precompile_headers(${target} PRIVATE ${PENSTOCK_PCH_HEADERS} ${ARGN})
    set_property(GLOBAL PROPERTY PENSTOCK_PCH_OWNER_${kind} ${target})
  endif()
endfunction()

add_library(penstock_flags INTERFACE)
target_compile_options(penstock_flags INTERFACE -Wall -Wextra -Werror $<$<CONFIG:Debug>:-g1>)
# GCC 12 warns wrongly of `"text" + std::string` when it optimises (GCC bug 105651): as restrict, and once the headers are
# precompiled (no system headers any more, then) as array-bounds, stringop-overflow and -overread. The sanitizers look for the real ones.
target_compile_options(penstock_flags INTERFACE "$<$<CXX_COMPILER_ID:GNU>:-Wno-restrict;-Wno-array-bounds;-Wno-stringop-overflow;-Wno-stringop-overread>")
target_include_directories(penstock_flags INTERFACE ${PROJECT_SOURCE_DIR})
if(PENSTOCK_SANITIZE)
  target_compile_options(penstock_flags INTERFACE -fsanitize=${PENSTOCK_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(penstock_flags INTERFACE -fsanitize=${PENSTOCK_SANITIZE})
  if(PENSTOCK_SANITIZE MATCHES thread)
    # GCC 12 warns of fences that ThreadSanitizer does not model; Asio uses them.
    target_compile_options(penstock_flags INTERFACE -Wno-tsan)
  endif()
endif()
if(PENSTOCK_FUZZ AND CMAKE_CXX_COMPILER_ID MATCHES Clang)
  target_compile_options(penstock_flags INTERFACE -fsanitize=fuzzer-no-link)  # what libFuzzer steers by
endif()

# OpenSSL, shared; a program with the property PENSTOCK_STATIC (the launcher) gets the archives, from
# every library that it links.
find_library(PENSTOCK_SSL_ARCHIVE libssl.a)
find_library(PENSTOCK_CRYPTO_ARCHIVE libcrypto.a)
add_library(penstock_openssl INTERFACE)
target_link_libraries(penstock_openssl INTERFACE
  "$<IF:$<BOOL:$<TARGET_PROPERTY:PENSTOCK_STATIC>>,${PENSTOCK_SSL_ARCHIVE};${PENSTOCK_CRYPTO_ARCHIVE},OpenSSL::SSL;OpenSSL::Crypto>")

# RE2: the archive, whole, so that nothing of it is taken from elsewhere, and hidden, so that nothing else takes it.
# pyarrow's libarrow_compute.so exports an RE2 of another version, and the linker, which meets it first, takes from an
# ordinary archive only what is missing then: half of one RE2 would call half of the other.
find_library(PENSTOCK_RE2_ARCHIVE libre2.a REQUIRED)
add_library(penstock_re2 INTERFACE)
target_link_libraries(penstock_re2 INTERFACE $<LINK_LIBRARY:WHOLE_ARCHIVE,${PENSTOCK_RE2_ARCHIVE}> Threads::Threads)
target_link_options(penstock_re2 INTERFACE LINKER:--exclude-libs,libre2.a)

# Boost.Asio and Beast are compiled once, in penstock::beast (operator/net/beast.cc).
add_library(penstock_boost INTERFACE)
target_compile_definitions(penstock_boost INTERFACE BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION
  BOOST_ASIO_NO_DEPRECATED BOOST_BEAST_USE_STD_STRING_VIEW=0)
if(PENSTOCK_SANITIZE)
  # What is built to find faults runs as a release does: Boost 1.74's HTTP parser asserts what a valid message
  # breaks (a size of one digit after trailers), and goes on rightly.
  target_compile_definitions(penstock_boost INTERFACE BOOST_DISABLE_ASSERTS)
endif()
target_link_libraries(penstock_boost INTERFACE Boost::headers penstock_openssl Threads::Threads)

# Several files of a library are compiled as one: what their headers and templates cost is paid once. Files still stand
# alone, which the presets without it (dev, asan) show.
option(PENSTOCK_UNITY "Compile several files of a library as one" OFF)

# penstock_library(NAME SRCS a.cc ... DEPS penstock::base ... [TORCH] [APART]): a static library with the alias penstock::NAME.
# TORCH: its files include LibTorch's headers, which are precompiled where the files are compiled one by one.
# APART: so they are always, being changed often.
function(penstock_library name)
  cmake_parse_arguments(ARG "TORCH;APART" "" "SRCS;DEPS" ${ARGN})
  add_library(penstock_${name} STATIC ${ARG_SRCS})
  add_library(penstock::${name} ALIAS penstock_${name})
  target_link_libraries(penstock_${name} PUBLIC ${ARG_DEPS} PRIVATE penstock_flags)
  target_include_directories(penstock_${name} PUBLIC ${PROJECT_SOURCE_DIR})
  if(ARG_TORCH AND NOT PENSTOCK_UNITY)
    penstock_precompile(penstock_${name} torch <torch/script.h> <torch/torch.h>)
  else()
    penstock_precompile(penstock_${name} "library${PENSTOCK_LAYER}")
  endif()
  if(PENSTOCK_UNITY AND NOT ARG_APART)
    set_target_properties(penstock_${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 12)
    # GCC takes a file that it finds included for a header: its unnamed namespaces are no mistake.
    target_compile_options(penstock_${name} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
  endif()
endfunction()

# penstock_executable(NAME SRCS ... DEPS ...): a program named NAME in bin/, installed as component NAME.
function(penstock_executable name)
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SRCS})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} penstock_flags)
  install(TARGETS ${name} RUNTIME DESTINATION bin COMPONENT ${name})
endfunction()

# Every test program of the label unit.
add_custom_target(penstock_unit_tests)

# Whether a file of this folder, or below, has to do with threads: without one there is no race for ThreadSanitizer to find.
function(penstock_uses_threads result)
  file(GLOB_RECURSE files ${CMAKE_CURRENT_SOURCE_DIR}/*.cc ${CMAKE_CURRENT_SOURCE_DIR}/*.h)
  set(${result} OFF PARENT_SCOPE)
  foreach(file ${files})
    file(STRINGS ${file} found REGEX "std::(j?thread|async|atomic|mutex|condition_variable|stop_token|call_once)|#include <thread>" LIMIT_COUNT 1)
    if(found)
      set(${result} ON PARENT_SCOPE)
      return()
    endif()
  endforeach()
endfunction()

# penstock_test(NAME SRCS ... DEPS ... [LABELS unit] [SOURCE_DIR]): a GoogleTest program, one ctest entry a
# program. With SOURCE_DIR it knows its folder and the project's, as PENSTOCK_TEST_SOURCE_DIR and
# PENSTOCK_SOURCE_DIR; without, it compiles the same in every clone, so that ccache helps.
function(penstock_test name)
  if(NOT PENSTOCK_TESTS)
    return()
  endif()
  cmake_parse_arguments(ARG "SOURCE_DIR" "" "SRCS;DEPS;LABELS" ${ARGN})
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  add_executable(${name} ${ARG_SRCS})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} GTest::gmock GTest::gtest GTest::gtest_main penstock_flags)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  if(ARG_SOURCE_DIR)
    target_compile_definitions(${name} PRIVATE PENSTOCK_SOURCE_DIR="${PROJECT_SOURCE_DIR}" PENSTOCK_TEST_SOURCE_DIR="${CMAKE_CURRENT_SOURCE_DIR}")
  endif()
  # what is tested is optimised, the tests themselves need not be
  target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O0>)
  penstock_precompile(${name} test <gmock/gmock.h> <gtest/gtest.h>)
  add_test(NAME ${name} COMMAND ${name})
  penstock_uses_threads(threads)
  if(PENSTOCK_SANITIZE STREQUAL "thread" AND NOT threads)
    set(ARG_LABELS no_threads)
  endif()
  if(unit IN_LIST ARG_LABELS)
    add_dependencies(penstock_unit_tests ${name})
  endif()
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT 300)
endfunction()

# Adds those of the named folders that exist.
function(penstock_add_folders)
  foreach(folder ${ARGN})
    if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/CMakeLists.txt)
      add_subdirectory(${folder})
    endif()
  endforeach()
endfunction()
