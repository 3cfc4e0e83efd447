# Debian packages, by the names that scripts/setup installs.
#
# The programs carry gRPC, Protobuf, Abseil and RocksDB in themselves: these call each other all the time, and across
# shared libraries each such call goes through a table (docs/dependencies.md says what that costs). What is installed of the
# SDK names the packages' own targets, so whoever uses it decides for himself.
#
# Not under a sanitizer: the packages' code doesn't know it, and must not take the place of code that does.
set(static_by_default ON)
if(HENGE_SANITIZER)
  set(static_by_default OFF)
endif()
option(HENGE_STATIC_DEPENDENCIES "link gRPC, Protobuf, Abseil and RocksDB into each program" ${static_by_default})
set(Protobuf_USE_STATIC_LIBS ${HENGE_STATIC_DEPENDENCIES})

find_package(Threads REQUIRED)
find_package(absl REQUIRED)
find_package(Protobuf REQUIRED)
find_package(gRPC CONFIG REQUIRED)
find_package(RocksDB CONFIG REQUIRED)
find_package(spdlog REQUIRED)
find_package(GTest REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)

if(HENGE_STATIC_DEPENDENCIES)
  set(HENGE_ROCKSDB RocksDB::rocksdb)
  get_property(imported DIRECTORY PROPERTY IMPORTED_TARGETS)
  list(FILTER imported INCLUDE REGEX "^(absl|gRPC)::")
  foreach(target IN LISTS imported)
    get_target_property(library ${target} IMPORTED_LOCATION_NONE)
    string(REGEX REPLACE "\\.so[.0-9]*$" ".a" archive "${library}")
    if(EXISTS "${archive}")
      set_target_properties(${target} PROPERTIES IMPORTED_LOCATION_NONE "${archive}")
    endif()
  endforeach()
  # What the shared libgrpc says itself that it needs.
  find_library(HENGE_CARES cares REQUIRED)
  find_library(HENGE_ZLIB z REQUIRED)
  target_link_libraries(gRPC::grpc INTERFACE ${HENGE_CARES} ${HENGE_ZLIB})
else()
  set(HENGE_ROCKSDB RocksDB::rocksdb-shared)
endif()

# The programs' malloc. The sanitizers bring their own.
add_library(henge_allocator INTERFACE)
add_library(Henge::allocator ALIAS henge_allocator)
if(NOT HENGE_SANITIZER)
  pkg_check_modules(JEMALLOC REQUIRED IMPORTED_TARGET jemalloc)
  target_link_libraries(henge_allocator INTERFACE PkgConfig::JEMALLOC)
endif()
