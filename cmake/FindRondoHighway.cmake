# Finds Google Highway and makes sure that there is a target hwy::hwy. Used when Rondo is built and, installed beside
# RondoConfig.cmake, when Rondo is found.
#
# Highway's own CMake package is taken where there is one (Debian 12, Ubuntu 24.04); where the distribution ships only
# header and library, they are found by name.
if(NOT TARGET hwy::hwy)
  find_package(hwy CONFIG QUIET)
endif()
if(NOT TARGET hwy::hwy)
  find_path(RONDO_HWY_INCLUDE_DIR hwy/highway.h)
  find_library(RONDO_HWY_LIBRARY hwy)
  mark_as_advanced(RONDO_HWY_INCLUDE_DIR RONDO_HWY_LIBRARY)
  if(RONDO_HWY_INCLUDE_DIR AND RONDO_HWY_LIBRARY)
    add_library(hwy::hwy UNKNOWN IMPORTED)
    set_target_properties(hwy::hwy PROPERTIES
      IMPORTED_LOCATION "${RONDO_HWY_LIBRARY}"
      INTERFACE_INCLUDE_DIRECTORIES "${RONDO_HWY_INCLUDE_DIR}")
    if(RONDO_HWY_LIBRARY MATCHES "\\.so")
      set_target_properties(hwy::hwy PROPERTIES INTERFACE_COMPILE_DEFINITIONS HWY_SHARED_DEFINE)
    endif()
  endif()
endif()

if(TARGET hwy::hwy)
  set(RONDO_HIGHWAY_TARGET hwy::hwy)
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(RondoHighway REQUIRED_VARS RONDO_HIGHWAY_TARGET
  REASON_FAILURE_MESSAGE "Google Highway was not found. On Debian and Ubuntu: apt install libhwy-dev")
