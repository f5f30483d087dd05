# The one list of instruction sets. Each is a folderless unit csrc/cpu/isa/<isa>.cpp with flags of its own,
# compiled into the object library fastnn_isa_<isa>; dispatch.cpp learns the list, weakest first, from the
# generated header isa_list.h.

# Sanitized builds leave out avx512: instrumented, that unit takes gcc 12 a quarter of an hour, and its kernels are
# those of the other units.
set(FASTNN_SKIP_ISAS "" CACHE STRING "Instruction sets to be left out")
set(FASTNN_ISAS "")
set(isa_entries "")

# fastnn_isa(name  C++ expression that says whether this processor has it  compiler flags...)
function(fastnn_isa name supported)
  if(name IN_LIST FASTNN_SKIP_ISAS)
    return()
  endif()
  add_library(fastnn_isa_${name} OBJECT "${PROJECT_SOURCE_DIR}/csrc/cpu/isa/${name}.cpp")
  target_link_libraries(fastnn_isa_${name} PRIVATE fastnn_options)
  target_compile_options(fastnn_isa_${name} PRIVATE ${ARGN} $<$<CONFIG:Release>:-O3>)
  list(APPEND FASTNN_ISAS ${name})
  set(FASTNN_ISAS "${FASTNN_ISAS}" PARENT_SCOPE)
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
