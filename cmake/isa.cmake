# The one list of instruction sets. Each is a folderless unit csrc/cpu/isa/<isa>.cpp with flags of its own, compiled
# once for each dtype, side by side: an object library fastnn_isa_<isa>_<dtype>, whose table of kernels is called
# <isa>::<dtype>. dispatch.cpp learns the list, weakest first, from the generated header isa_list.h.

# Sanitized builds leave out avx512: instrumented, that unit takes gcc 12 a quarter of an hour, and its kernels are
# those of the other units.
set(FASTNN_SKIP_ISAS "" CACHE STRING "Instruction sets to be left out")
set(FASTNN_ISAS "")
set(FASTNN_ISA_UNITS "")
set(isa_entries "")

# fastnn_isa(name  C++ expression that says whether this processor has it  compiler flags...)
function(fastnn_isa name supported)
  if(name IN_LIST FASTNN_SKIP_ISAS)
    return()
  endif()
  set(type_f32 float)
  set(type_f64 double)
  foreach(dtype IN ITEMS f32 f64)
    set(unit fastnn_isa_${name}_${dtype})
    add_library(${unit} OBJECT "${PROJECT_SOURCE_DIR}/csrc/cpu/isa/${name}.cpp")
    target_link_libraries(${unit} PRIVATE fastnn_options)
    target_compile_definitions(${unit} PRIVATE FASTNN_DTYPE=${dtype} FASTNN_TYPE=${type_${dtype}})
    target_compile_options(${unit} PRIVATE ${ARGN} $<$<CONFIG:Release>:-O3>)
    list(APPEND FASTNN_ISA_UNITS ${unit})
  endforeach()
  list(APPEND FASTNN_ISAS ${name})
  set(FASTNN_ISAS "${FASTNN_ISAS}" PARENT_SCOPE)
  set(FASTNN_ISA_UNITS "${FASTNN_ISA_UNITS}" PARENT_SCOPE)
  set(FASTNN_ISA_FLAGS_${name} "${ARGN}" PARENT_SCOPE)
  set(isa_entries "${isa_entries} \\\n  X(${name}, ${supported})" PARENT_SCOPE)
endfunction()

fastnn_isa(scalar "true")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
  fastnn_isa(avx2 "__builtin_cpu_supports(\"avx2\") && __builtin_cpu_supports(\"fma\")" -mavx2 -mfma)
  fastnn_isa(avx512
    "__builtin_cpu_supports(\"avx512f\") && __builtin_cpu_supports(\"avx512bw\") && __builtin_cpu_supports(\"avx512dq\") && __builtin_cpu_supports(\"avx512vl\")"
    -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma -mprefer-vector-width=512)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64|ARM64)$")
  fastnn_isa(neon "true")
endif()

file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/generated/isa_list.h" @ONLY CONTENT
"// X(name, supported by this processor), weakest first; generated from cmake/isa.cmake.
#define FASTNN_FOR_EACH_ISA(X)@isa_entries@
")
