# Included by harness/afterleak/. What a user installs: the library, its headers, and the files by which CMake and pkg-config find it. Components:
#   development   the library (afterleak::afterleak, afterleak::heap_operators, afterleak::loops, afterleak::testing)
#   program       the program afterleak, and what it preloads into the programs that it watches
#   loops         the programs that it becomes for --on. No Debian package has them: stripped, they would not know their lines
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/afterleak)
set(configured ${CMAKE_CURRENT_BINARY_DIR}/package)

target_include_directories(afterleak INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
set_target_properties(afterleak PROPERTIES INSTALL_RPATH "")
install(TARGETS afterleak ${components} EXPORT afterleakTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
install(EXPORT afterleakTargets NAMESPACE afterleak:: DESTINATION ${package_dir} COMPONENT development)
install(DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/afterleak COMPONENT development
  FILES_MATCHING PATTERN "*.h")

# Before 1.0.0 a minor version may break its users.
write_basic_package_version_file(${configured}/afterleakConfigVersion.cmake COMPATIBILITY SameMinorVersion)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/afterleakConfig.cmake.in ${configured}/afterleakConfig.cmake INSTALL_DESTINATION ${package_dir})
install(FILES ${configured}/afterleakConfig.cmake ${configured}/afterleakConfigVersion.cmake DESTINATION ${package_dir} COMPONENT development)

# Where the folders are, for pkg-config: below the prefix, which it finds from where its own file is. So what was installed can be
# moved.
cmake_path(ABSOLUTE_PATH CMAKE_INSTALL_LIBDIR BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX} OUTPUT_VARIABLE pc_folder)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX BASE_DIRECTORY ${pc_folder}/pkgconfig OUTPUT_VARIABLE pc_prefix)
foreach(folder LIBDIR INCLUDEDIR)
  cmake_path(ABSOLUTE_PATH CMAKE_INSTALL_${folder} BASE_DIRECTORY "\${prefix}" OUTPUT_VARIABLE pc_${folder})
endforeach()
get_target_property(type afterleak TYPE)
if(type STREQUAL STATIC_LIBRARY)  # the program links what the library needs
  set(pc_requires "Requires: fmt")
  set(pc_libs " -ldw")
endif()
function(install_pc template name)
  configure_file(${CMAKE_CURRENT_FUNCTION_LIST_DIR}/${template}.pc.in ${configured}/${name}.pc @ONLY)
  install(FILES ${configured}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)
endfunction()
install_pc(afterleak afterleak)
# An archive of which the program must have all: pc_also: what it needs besides the library.
function(install_pc_of_component pc_name pc_description pc_also)
  install_pc(component ${pc_name})
endfunction()
install_pc_of_component(afterleak_heap_operators "operator new and delete that afterleak counts" "")
install_pc_of_component(afterleak_loops "the timers of event loops in a census" ", fmt")
