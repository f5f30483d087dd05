// The ISA that a SIMD test program is compiled for, and whether this machine can run it.
#pragma once

#include <cstdio>
#include <cstring>

#include "isa_list.h"
#include FASTNN_VEC_HEADER

#define FASTNN_QUOTE(text) #text
#define FASTNN_QUOTE_VALUE(macro) FASTNN_QUOTE(macro)

namespace simd = fastnn::cpu::FASTNN_NAMESPACE;

constexpr const char* isa_name = FASTNN_QUOTE_VALUE(FASTNN_NAMESPACE);

// Exit code of a program that could not test anything here (ctest's SKIP_RETURN_CODE).
constexpr int not_tested = 77;

inline bool machine_runs_isa() {
  bool runs = false;
#define FASTNN_ASK(name, supported) \
  if (std::strcmp(isa_name, #name) == 0) runs = supported;
  FASTNN_FOR_EACH_ISA(FASTNN_ASK)
#undef FASTNN_ASK
  if (!runs) std::printf("not tested: this machine lacks %s\n", isa_name);
  return runs;
}
