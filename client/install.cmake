# find_package(tulle CONFIG) gives tulle::client. The libraries that it is made of are static and come along under names
# of their own; nobody is meant to link them directly.
include(CMakePackageConfigHelpers)

set(tulle_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/tulle)
set_target_properties(tulle_client PROPERTIES EXPORT_NAME client)
set(tulle_client_parts tulle_client_wire tulle_client_core tulle_digest tulle_base boost_compiled)
foreach(part IN LISTS tulle_client_parts)
  string(REGEX REPLACE "^tulle_" "" name ${part})
  set_target_properties(${part} PROPERTIES EXPORT_NAME internal_${name} OUTPUT_NAME tulle_internal_${name})
endforeach()

install(TARGETS tulle_client ${tulle_client_parts} EXPORT tulle_targets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT dev)
install(DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/include/tulle DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT dev
  FILES_MATCHING PATTERN "*.hpp")
install(EXPORT tulle_targets FILE tulle-targets.cmake NAMESPACE tulle:: DESTINATION ${tulle_package_dir} COMPONENT dev)

configure_package_config_file(${CMAKE_CURRENT_SOURCE_DIR}/tulle-config.cmake.in
  ${CMAKE_CURRENT_BINARY_DIR}/tulle-config.cmake INSTALL_DESTINATION ${tulle_package_dir})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/tulle-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/tulle-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/tulle-config-version.cmake
  DESTINATION ${tulle_package_dir} COMPONENT dev)
