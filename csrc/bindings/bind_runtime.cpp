#include "bindings/bind_runtime.h"

#include <pybind11/stl.h>

#include <string>

#include "cpu/aligned_buffer.h"
#include "cpu/dispatch.h"
#include "cpu/machine.h"
#include "cpu/parallel.h"
#include "cpu/thread_count.h"
#include "ops/check.h"

namespace fastnn::bindings {

namespace py = pybind11;

namespace {

py::dict cache_stats() {
  const cpu::CacheStats stats = cpu::cache_stats();
  return py::dict(py::arg("bytes_in_use") = stats.bytes_in_use, py::arg("bytes_cached") = stats.bytes_cached,
                  py::arg("bytes_limit") = stats.bytes_limit, py::arg("hits") = stats.hits,
                  py::arg("misses") = stats.misses);
}

// What the compiler was told of hardening leaves no trace in the extension where no call of libc needed the check.
#ifdef _FORTIFY_SOURCE
constexpr int fortify = _FORTIFY_SOURCE;
#else
constexpr int fortify = 0;
#endif

py::dict build_info() {
  return py::dict(py::arg("compiler") = __VERSION__, py::arg("build_type") = FASTNN_BUILD_TYPE,
                  py::arg("isas") = FASTNN_ISAS, py::arg("fortify") = fortify);
}

double fma_peak(const std::string& dtype, int64_t milliseconds) {
  if (dtype == "float32") return cpu::fma_peak<float>(milliseconds);
  if (dtype == "float64") return cpu::fma_peak<double>(milliseconds);
  fail_value("fma_peak", "expected dtype to be 'float32' or 'float64', got '", dtype, "'");
}

double triad(int64_t elements, int64_t repeats) {
  if (elements < 1 || repeats < 1) {
    fail_value("triad", "expected elements and repeats of at least 1, got ", elements, " and ", repeats);
  }
  return cpu::triad(elements, repeats);
}

}  // namespace

void bind_runtime(py::module_& m) {
  cpu::kernel_table();
  cpu::num_threads();
  cpu::cache_stats();

  m.def("isa", [] { return cpu::kernel_table().isa; });
  m.def("supported_isas", &cpu::supported_isas);
  m.def("get_num_threads", &cpu::num_threads);
  m.def("set_num_threads", &cpu::set_num_threads, py::arg("n"));
  m.attr("MAX_THREADS") = cpu::max_threads;
  m.def("empty_cache", &cpu::empty_cache);
  m.def("cache_stats", &cache_stats);
  m.def("_fail_acquisition_after", &cpu::fail_acquisition_after, py::arg("n"));
  m.def("build_info", &build_info);
  m.def("fma_peak", &fma_peak, py::arg("dtype"), py::arg("milliseconds"), py::call_guard<py::gil_scoped_release>());
  m.def("triad", &triad, py::arg("elements"), py::arg("repeats"), py::call_guard<py::gil_scoped_release>());
}

}  // namespace fastnn::bindings
