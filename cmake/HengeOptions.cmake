# Compiler, warnings, sanitizers, ccache, linker: the same for every target.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")

# Several sources at a time make one translation unit: headers and templates are most of the compiler's work. Off, each
# source is compiled alone; scripts/tidy looks at them so.
set(CMAKE_UNITY_BUILD ON CACHE BOOL "compile several sources at a time")
set(CMAKE_UNITY_BUILD_BATCH_SIZE 6 CACHE STRING "how many")
if(CMAKE_UNITY_BUILD)
  # GCC takes an anonymous namespace for shared when it isn't in the file that it was started with.
  add_compile_options(-Wno-subobject-linkage)
endif()

set(HENGE_SANITIZER "" CACHE STRING "empty, address (with undefined) or thread")

find_program(HENGE_CCACHE ccache)
if(HENGE_CCACHE)
  # Without the sloppiness ccache refuses every translation unit that uses a precompiled header.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${HENGE_CCACHE})
  add_compile_options($<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)
endif()
find_program(HENGE_MOLD mold)
if(HENGE_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Werror -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough
                    -fno-omit-frame-pointer -fstack-protector-strong)
# GCC 12 reports these inside the standard library and inlined Abseil for correct code.
add_compile_options(-Wno-maybe-uninitialized -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread
                    -Wno-restrict -Wno-missing-field-initializers -Wno-dangling-pointer)
add_compile_definitions(_GLIBCXX_ASSERTIONS)
if(HENGE_SANITIZER STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all)
  add_link_options(-fsanitize=address,undefined)
elseif(HENGE_SANITIZER STREQUAL "thread")
  add_compile_options(-fsanitize=thread)
  add_link_options(-fsanitize=thread)
endif()

include_directories(${CMAKE_SOURCE_DIR})
