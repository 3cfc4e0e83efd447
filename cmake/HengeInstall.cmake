# cmake --install: the programs (component henge_programs) and the SDK (component henge_sdk), which others use by
# find_package(henge) and the target henge::client.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(HENGE_SDK_TARGETS henge_client henge_model henge_proto_grpc henge_proto)
set_target_properties(henge_client PROPERTIES EXPORT_NAME client)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/henge)

install(TARGETS ${HENGE_SDK_TARGETS} EXPORT henge_targets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT henge_sdk)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/client/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT henge_sdk)
install(EXPORT henge_targets NAMESPACE henge:: DESTINATION ${package} COMPONENT henge_sdk)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/henge-config.cmake.in ${CMAKE_BINARY_DIR}/henge-config.cmake
                              INSTALL_DESTINATION ${package})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/henge-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/henge-config.cmake ${CMAKE_BINARY_DIR}/henge-config-version.cmake
        DESTINATION ${package} COMPONENT henge_sdk)

foreach(program henge henged)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT henge_programs)
  endif()
endforeach()

# The command writes its own completion, after it was built.
set(completions ${CMAKE_BINARY_DIR}/completions)
file(MAKE_DIRECTORY ${completions})
foreach(shell bash zsh fish)
  add_custom_command(OUTPUT ${completions}/henge.${shell}
                     COMMAND henge completion ${shell} > ${completions}/henge.${shell} DEPENDS henge VERBATIM)
  list(APPEND completion_files ${completions}/henge.${shell})
endforeach()
add_custom_target(henge_completions ALL DEPENDS ${completion_files})
install(FILES ${completions}/henge.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME henge
        COMPONENT henge_programs)
install(FILES ${completions}/henge.zsh DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions RENAME _henge
        COMPONENT henge_programs)
install(FILES ${completions}/henge.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d
        COMPONENT henge_programs)

install(FILES ${CMAKE_SOURCE_DIR}/LICENSE ${CMAKE_SOURCE_DIR}/NOTICE DESTINATION ${CMAKE_INSTALL_DOCDIR}
        COMPONENT henge_programs)
