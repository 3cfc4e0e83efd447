# Precompiled headers, made once for each kind of target: only the standard library and packages, never headers of ours,
# so that a change of one of ours compiles what includes it and no more. A target takes one by REUSE_FROM, for which all
# its flags must be the same: hence -pthread everywhere, which gRPC's packages bring to whoever links them.
add_compile_options(-pthread)

set(HENGE_STD_HEADERS <algorithm> <array> <atomic> <chrono> <coroutine> <cstdint> <deque> <functional> <map> <memory>
    <optional> <set> <span> <string> <string_view> <utility> <variant> <vector>)
set(HENGE_ABSL_HEADERS <absl/container/flat_hash_map.h> <absl/container/inlined_vector.h>
    <absl/functional/any_invocable.h> <absl/status/statusor.h> <absl/strings/str_cat.h> <absl/strings/str_format.h>
    <absl/strings/str_join.h>)
set(HENGE_PCH_SOURCE ${CMAKE_SOURCE_DIR}/cmake/pch.cc)

# henge_precompiled(NAME DEPS ... HEADERS ...): what other targets reuse.
function(henge_precompiled name)
  cmake_parse_arguments(ARG "" "" "DEPS;HEADERS" ${ARGN})
  add_library(${name} OBJECT ${HENGE_PCH_SOURCE})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS})
  set_target_properties(${name} PROPERTIES UNITY_BUILD OFF)
  target_precompile_headers(${name} PRIVATE ${HENGE_STD_HEADERS} ${HENGE_ABSL_HEADERS} ${ARG_HEADERS})
endfunction()

set(HENGE_ABSL absl::status absl::statusor absl::strings absl::str_format absl::flat_hash_map absl::inlined_vector
    absl::any_invocable)
# Of the libraries.
henge_precompiled(henge_pch DEPS ${HENGE_ABSL})
# Of those that speak gRPC.
henge_precompiled(henge_grpc_pch DEPS ${HENGE_ABSL} gRPC::grpc++ HEADERS <condition_variable> <mutex> <thread>
                  <grpcpp/grpcpp.h>)
# Of the command.
henge_precompiled(henge_cli_pch DEPS ${HENGE_ABSL} CLI11::CLI11 nlohmann_json::nlohmann_json
                  HEADERS <future> <iostream> <CLI/App.hpp> <nlohmann/json.hpp>)
# Of the tests, which are executables: -fPIE. Few of them are worth the time that the optimiser takes for them.
henge_precompiled(henge_test_pch DEPS ${HENGE_ABSL} GTest::gmock GTest::gtest nlohmann_json::nlohmann_json
                  HEADERS <gtest/gtest.h> <gmock/gmock.h> <nlohmann/json.hpp>)
set(HENGE_TEST_OPTIONS -fPIE $<$<CONFIG:Release>:-O1>)
set_target_properties(henge_test_pch PROPERTIES POSITION_INDEPENDENT_CODE OFF)
target_compile_options(henge_test_pch PRIVATE ${HENGE_TEST_OPTIONS})
