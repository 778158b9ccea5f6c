# How the files of the libraries are optimised, and which of them are compiled together.

# rondo_optimize(<options> <files of src/, without ending...>): the options are those of the files alone.
function(rondo_optimize options)
  foreach(file IN LISTS ARGN)
    if(NOT EXISTS "${PROJECT_SOURCE_DIR}/src/${file}.cpp")
      message(FATAL_ERROR "cmake/RondoOptimization.cmake names src/${file}.cpp, which is not there")
    endif()
    set_property(SOURCE "${PROJECT_SOURCE_DIR}/src/${file}.cpp" APPEND PROPERTY COMPILE_OPTIONS ${options})
  endforeach()
endfunction()

# rondo_files_of(<result> <rooms...>): the files of rooms, as rondo_optimize takes them.
function(rondo_files_of result)
  list(JOIN ARGN "|" rooms)
  set(files ${core_sources})
  list(TRANSFORM files REPLACE "^${PROJECT_SOURCE_DIR}/src/(.*)\\.cpp$" "\\1")
  list(FILTER files INCLUDE REGEX "^(${rooms})/")
  set(${result} "${files}" PARENT_SCOPE)
endfunction()

if(RONDO_SANITIZE)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    if(RONDO_SANITIZE MATCHES "address")
      # Kernels are pure functions over the caller's arrays, and g++ spends minutes on checks of their inlined temporaries
      # (lstm.cpp: 126 s, without these and checks of alignment 65 s).
      set(kernel_options --param=asan-stack=0 -fno-sanitize=alignment,vptr)
    elseif(RONDO_SANITIZE MATCHES "thread")
      set(kernel_options -fno-tree-sra)  # with -fsanitize=thread g++ 12 stops in this pass
    endif()
    rondo_files_of(kernels kernels)
    rondo_optimize("${kernel_options}" ${kernels})
  endif()
elseif(CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
  # Most of the code sets up, checks, reads and reports once in a while: small rather than fast, four tenths less of it.
  # What works in each step, or on all numbers of a data set, is fast: three rooms, and what is listed of the others.
  set(small $<IF:$<CXX_COMPILER_ID:GNU>,-Os,-Oz>)  # clang's -Os still puts much into line
  target_compile_options(rondo_core PRIVATE $<$<CONFIG:Release>:${small}>)
  target_compile_options(rondo PRIVATE $<$<CONFIG:Release>:${small}>)
  rondo_files_of(fast kernels engine layers)
  list(REMOVE_ITEM fast engine/single_walk layers/registry layers/core/input layers/parts/activations
    layers/parts/constraints layers/parts/regularizers layers/recurrent/cells layers/recurrent/gru layers/recurrent/lstm
    layers/regularization/activity_regularization)
  list(APPEND fast
    core/own_math core/random core/sha256 core/tensor core/tensor_ops
    data/cells data/csv data/csv_rows data/difference data/npy data/npy_format data/npy_rows data/rows data/scalers
    data/split data/table
    formats/callbacks/tensorboard/crc32c formats/zip/reader formats/zip/records formats/zip/writer
    training/batch_losses training/batches training/clipping training/constraints training/custom training/epoch_means
    training/evaluator training/function_rows training/head training/loss_call training/metrics/accuracy
    training/optimizers/state training/penalties training/predict training/program training/read_ahead
    training/row_losses training/session training/stream training/training_step)
  # What few models compute, and what reads a configuration: one that is made to do harm has megabytes.
  set(less_fast formats/keras/config kernels/row_updates layers/parts/initializers training/ctc_loss)
  list(REMOVE_ITEM fast ${less_fast})
  rondo_optimize($<$<CONFIG:Release>:-O3> ${fast})
  rondo_optimize($<$<CONFIG:Release>:-O2> ${less_fast})
  # Nothing is thrown in vector code or through it: without the tables for that it is a thirtieth smaller. (Not the
  # recurrent kernels and Dense's: there g++ then puts more into line.)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    set(never_throw activations bf16_amx bf16_dot bf16_tiles dropout elementwise losses lstm_bf16 more_updates
        row_updates updates)
    list(TRANSFORM never_throw PREPEND kernels/)
  else()
    rondo_files_of(never_throw kernels)
    list(REMOVE_ITEM never_throw kernels/table kernels/bf16_route)
  endif()
  rondo_optimize("$<$<CONFIG:Release>:-fno-exceptions>;$<$<CONFIG:Release>:-fno-asynchronous-unwind-tables>" ${never_throw})
endif()

if(RONDO_POISON)
  set_property(SOURCE src/engine/memory.cpp APPEND PROPERTY COMPILE_DEFINITIONS RONDO_POISON)
endif()

# A file with options of its own is compiled alone.
rondo_unity(rondo_core 8)
rondo_unity(rondo 8)
