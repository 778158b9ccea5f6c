# Headers, libraries, the CMake package (components core and rondo) and the pkg-config files.
include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/Rondo")
set(package_files "${PROJECT_BINARY_DIR}/package")

install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/rondo" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
        FILES_MATCHING PATTERN "*.hpp")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")

# One export set per component, so that find_package(Rondo COMPONENTS core) needs nothing of the file formats.
install(TARGETS rondo_core EXPORT RondoCore)
install(TARGETS rondo EXPORT RondoFormats)
install(EXPORT RondoCore NAMESPACE rondo:: FILE RondoCoreTargets.cmake DESTINATION "${package_dir}")
install(EXPORT RondoFormats NAMESPACE rondo:: FILE RondoFormatsTargets.cmake DESTINATION "${package_dir}")

configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/RondoConfig.cmake.in" "${package_files}/RondoConfig.cmake"
                              INSTALL_DESTINATION "${package_dir}" NO_SET_AND_CHECK_MACRO)
# Before 1.0 a new minor version may change the interface.
write_basic_package_version_file("${package_files}/RondoConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${package_files}/RondoConfig.cmake" "${package_files}/RondoConfigVersion.cmake"
              "${CMAKE_CURRENT_LIST_DIR}/FindRondoHighway.cmake"
        DESTINATION "${package_dir}")

# pkg-config. The prefix is found from the file's own place, so that a tree may be moved or installed elsewhere with
# `cmake --install --prefix`. A static library hands on what it needs; a shared one has linked it already.
set(pc_dir "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  set(PC_PREFIX "${CMAKE_INSTALL_PREFIX}")
else()
  file(RELATIVE_PATH up "/${pc_dir}" "/")
  string(REGEX REPLACE "/$" "" up "${up}")
  set(PC_PREFIX "\${pcfiledir}/${up}")
endif()
set(PC_CORE_NEEDS "Requires: libhwy")
set(PC_CORE_LIBS "${RONDO_LINK_OPTIONS} -lrondo_core -pthread")
set(PC_NEEDS "Requires: rondo-core = ${PROJECT_VERSION} zlib")
if(BUILD_SHARED_LIBS)
  set(PC_CORE_NEEDS "Requires.private: libhwy")
  set(PC_CORE_LIBS "-lrondo_core")
  set(PC_NEEDS "Requires: rondo-core = ${PROJECT_VERSION}\nRequires.private: zlib")
endif()
set(PC_LIBS "-lrondo")
get_target_property(kind rondo TYPE)
if(kind STREQUAL "INTERFACE_LIBRARY")
  set(PC_LIBS "")
endif()
foreach(file rondo rondo-core)
  configure_file("${CMAKE_CURRENT_LIST_DIR}/${file}.pc.in" "${package_files}/${file}.pc" @ONLY)
  install(FILES "${package_files}/${file}.pc" DESTINATION "${pc_dir}")
endforeach()
