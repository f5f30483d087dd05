#include "cpu/dispatch.h"

#include <cstdlib>
#include <stdexcept>

#include "isa_list.h"
#include "ops/check.h"

namespace fastnn::cpu {

#define DECLARE_KERNELS(isa, supported) \
  namespace isa {                       \
  extern const Kernels<float> f32;      \
  extern const Kernels<double> f64;     \
  }
FASTNN_FOR_EACH_ISA(DECLARE_KERNELS)
#undef DECLARE_KERNELS

namespace {

std::vector<KernelTable> supported_tables() {
  std::vector<KernelTable> tables;
#define ADD_TABLE(isa, supported) \
  if (supported) tables.push_back({#isa, isa::f32, isa::f64});
  FASTNN_FOR_EACH_ISA(ADD_TABLE)
#undef ADD_TABLE
  return tables;
}

KernelTable choose_table() {
  const auto tables = supported_tables();
  const char* wanted = std::getenv("FASTNN_ISA");
  if (!wanted || !*wanted) return tables.back();
  std::string names;
  for (const KernelTable& table : tables) {
    if (std::string(table.isa) == wanted) return table;
    if (!names.empty()) names += ", ";
    names += table.isa;
  }
  throw std::invalid_argument(
      concat("expected FASTNN_ISA to be one of ", names, " on this processor, got '", wanted, "'"));
}

}  // namespace

const KernelTable& kernel_table() {
  static const KernelTable chosen = choose_table();
  return chosen;
}

std::vector<std::string> supported_isas() {
  std::vector<std::string> names;
  for (const KernelTable& table : supported_tables()) names.emplace_back(table.isa);
  return names;
}

}  // namespace fastnn::cpu
