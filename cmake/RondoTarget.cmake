# How every target of Rondo is compiled. Nothing here touches a directory or global property, so that an including
# project keeps its own flags.

# SSSE3 would only add compile time: what it speeds up, SSE4 does too, and nearly every processor has both.
set(RONDO_DISABLED_TARGETS "HWY_SSSE3" CACHE STRING "Instruction sets of Highway that are not compiled: A|B|C")
mark_as_advanced(RONDO_DISABLED_TARGETS)

# Checks of the undefined-behaviour sanitizer that are not worth their compile time: what null, too large or wrapped
# pointers do, the address sanitizer sees (without these checks a file of the library takes two thirds of the time).
set(RONDO_UNCHECKED "")
if(RONDO_SANITIZE MATCHES "undefined")
  set(RONDO_UNCHECKED -fno-sanitize=null,object-size,pointer-overflow)
endif()

# The flags that all of Rondo's code shares, tests included. NOT_INSTRUMENTED: what is only linked with a sanitizer is
# compiled as without one.
function(rondo_compile_flags target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "NOT_INSTRUMENTED" "" "")
  set(sanitizers "${RONDO_SANITIZE}")
  if(arg_NOT_INSTRUMENTED)
    set(sanitizers "")
  endif()
  # One chain of fused multiply-adds per result, written as such and never made or taken apart by the compiler: the
  # promise of equal bits rests on these two.
  target_compile_options(${target} PRIVATE -ffp-contract=off -fno-fast-math)
  set(disabled "${RONDO_DISABLED_TARGETS}")
  if(sanitizers)
    string(APPEND disabled "|HWY_SSE4")  # its loops are those of AVX2, and compiling them takes a minute
  endif()
  # For processors without any of them clang would compile vectors made of scalars, of twice the code of scalars alone,
  # which are what g++ has.
  target_compile_definitions(${target} PRIVATE "HWY_DISABLED_TARGETS=(${disabled})" HWY_BROKEN_EMU128=1)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Notes about the ABI of vector arguments, which never leave one translation unit here. And no vectors made of
    # neighbouring scalars: g++ reads two fields of a small struct as one right after it wrote them one by one, and the
    # processor waits for the stores (4 % of a training step at 64 units). What wants vectors here is written with them.
    # And the compiler need not look for memory to use again before it has taken 500 MB: a tenth of its time.
    target_compile_options(${target} PRIVATE -Wno-psabi -fno-tree-slp-vectorize --param=ggc-min-heapsize=500000)
  endif()
  if(RONDO_WARNINGS)
    target_compile_options(${target} PRIVATE -Wall -Wextra -Wconversion -Wshadow)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
      # g++ 12 warns of "literal" + std::string (its bug 105651).
      target_compile_options(${target} PRIVATE -Wno-restrict)
    endif()
    # Instrumented code makes g++ see uninitialised values that are none, so warnings are errors elsewhere only.
    if(NOT sanitizers AND NOT RONDO_COVERAGE)
      target_compile_options(${target} PRIVATE -Werror)
    endif()
  endif()
  if(sanitizers)
    target_compile_options(${target} PRIVATE -fsanitize=${sanitizers} ${RONDO_UNCHECKED} -fno-sanitize-recover=all
                                             -fno-omit-frame-pointer)
    target_compile_definitions(${target} PRIVATE _GLIBCXX_ASSERTIONS)
  endif()
  if(RONDO_SANITIZE)
    target_link_options(${target} PRIVATE -fsanitize=${RONDO_SANITIZE})
  endif()
  if(RONDO_FUZZ)
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link
                           "-fsanitize-coverage-ignorelist=${PROJECT_SOURCE_DIR}/tests/fuzz/uncovered.txt")
  endif()
  if(RONDO_COVERAGE)
    target_compile_options(${target} PRIVATE --coverage -fprofile-update=atomic)
    target_link_options(${target} PRIVATE --coverage)
  endif()
endfunction()

# What code inside the house may see and strangers may not: src/ as an include folder, Highway, JSON.
function(rondo_house_access target)
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/src")
  # nlohmann/json is headers only: taken as a folder, it leaves no trace in the installed package.
  target_include_directories(${target} SYSTEM PRIVATE
    $<TARGET_PROPERTY:nlohmann_json::nlohmann_json,INTERFACE_INCLUDE_DIRECTORIES>)
endfunction()

# What a program that takes the libraries into itself is linked with: what nobody calls stays out, and functions stand by
# their names, so that those of one instruction set are neighbours. (A training step at 10 units runs through as much code
# as the first cache holds: in the order of the files it takes 2 to 5 % longer, depending on what else is linked.)
set(RONDO_LINK_OPTIONS "")
if(CMAKE_SYSTEM_NAME STREQUAL "Linux" AND NOT BUILD_SHARED_LIBS)
  set(RONDO_LINK_OPTIONS "-Wl,--gc-sections,--sort-section=name")
endif()

# rondo_library(<target> EXPORT_NAME <name>): one of the installed libraries.
function(rondo_library target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "EXPORT_NAME" "")
  rondo_compile_flags(${target})
  # Where a function begins must not depend on the ones before it: a change anywhere would move loops across the lines of
  # the instruction cache, which is 4 to 7 % of small steps.
  target_compile_options(${target} PRIVATE -falign-functions=64)
  # A program gets the functions that it calls, though files are compiled together.
  target_compile_options(${target} PRIVATE -ffunction-sections -fdata-sections)
  if(RONDO_LINK_OPTIONS)
    target_link_options(${target} INTERFACE "${RONDO_LINK_OPTIONS}")
  endif()
  rondo_house_access(${target})
  # A number of a configuration becomes an index where the code says so, not by itself: of 1e300 that is undefined.
  target_compile_definitions(${target} PRIVATE JSON_USE_IMPLICIT_CONVERSIONS=0)
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                                              $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  set_target_properties(${target} PROPERTIES
    EXPORT_NAME ${arg_EXPORT_NAME}
    POSITION_INDEPENDENT_CODE ON
    CXX_EXTENSIONS OFF
    DEFINE_SYMBOL ""  # shared or static: the same compile command, so the compiler cache serves both
    VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
endfunction()

# rondo_readers(<result> <header> <files...>): those of the files that include a header of src/ or one of its readers.
function(rondo_readers result header)
  set(readers)
  set(headers "${header}")
  while(headers)
    list(POP_FRONT headers header)
    foreach(file IN LISTS ARGN)
      file(STRINGS "${file}" include REGEX "^ *# *include \"${header}\"" LIMIT_COUNT 1)
      if(include AND NOT file IN_LIST readers)
        list(APPEND readers "${file}")
        file(RELATIVE_PATH name "${PROJECT_SOURCE_DIR}/src" "${file}")
        list(APPEND headers "${name}")
      endif()
    endforeach()
  endwhile()
  set(${result} "${readers}" PARENT_SCOPE)
endfunction()

# rondo_unity(<target> <count>): the files of a folder are compiled together, so many at a time. What their headers bring
# is then compiled once, which is most of the time that a file takes. They share one unnamed namespace: a helper's name
# serves once a folder. (Kernels are compiled alone: each includes itself once for every instruction set.)
function(rondo_unity target count)
  if(NOT RONDO_UNITY)
    return()
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  get_target_property(sources ${target} SOURCES)
  foreach(source IN LISTS sources)
    get_filename_component(folder "${source}" DIRECTORY)
    file(RELATIVE_PATH folder "${PROJECT_SOURCE_DIR}" "${folder}")
    if(folder STREQUAL "src/kernels" AND NOT source MATCHES "_test\\.cpp$")
      set_property(SOURCE "${source}" TARGET_DIRECTORY ${target} PROPERTY SKIP_UNITY_BUILD_INCLUSION ON)
      continue()
    endif()
    string(MAKE_C_IDENTIFIER "${folder}" folder)
    if(NOT DEFINED files_${folder})
      set(files_${folder} 0)
    endif()
    math(EXPR group "${files_${folder}} / ${count}")
    math(EXPR files_${folder} "${files_${folder}} + 1")
    set_property(SOURCE "${source}" TARGET_DIRECTORY ${target} PROPERTY UNITY_GROUP "${folder}_${group}")
  endforeach()
endfunction()

# rondo_programs(<output folder> <source folder> [libraries...]): each .cpp file of a folder becomes a program of its
# name, in the output folder of the build tree.
function(rondo_programs output source)
  file(GLOB programs CONFIGURE_DEPENDS "${source}/*.cpp")
  foreach(file IN LISTS programs)
    get_filename_component(name "${file}" NAME_WE)
    add_executable(${name} "${file}")
    rondo_compile_flags(${name})
    set_target_properties(${name} PROPERTIES CXX_EXTENSIONS OFF
                          RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/${output}")
    target_link_libraries(${name} PRIVATE rondo::rondo ${ARGN})
  endforeach()
endfunction()
