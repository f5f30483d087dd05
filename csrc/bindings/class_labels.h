// Class indices and reductions, as losses take them.
#pragma once

#include <optional>

#include "bindings/array.h"
#include "ops/labels.h"
#include "ops/reduction.h"

namespace fastnn::bindings {

inline Reduction parse_reduction(const char* op, const std::string& name) {
  if (name == "none") return Reduction::none;
  if (name == "mean") return Reduction::mean;
  if (name == "sum") return Reduction::sum;
  fail_value(op, "expected reduction to be 'none', 'mean' or 'sum', got '", name, "'");
}

inline void refuse_out_of_reduced(const char* op, py::handle out) {
  if (out.is_none()) return;
  fail_value(op, "expected out only with reduction='none', got ", type_name(out), " with a loss that is a number");
}

inline bool is_index(const Array& array) {
  const py::dtype dtype = array.dtype();
  return dtype.kind() == 'i' && (dtype.itemsize() == 4 || dtype.itemsize() == 8);
}

// Calls body with the elements of an is_index() array as native int32_t or int64_t.
template <class Body>
void with_indices(const Array& array, const Body& body) {
  const auto call = [&](auto index) {
    const Array indices = plain<decltype(index)>(array);
    body(static_cast<const decltype(index)*>(indices.data()));
  };
  if (array.dtype().itemsize() == 4) {
    call(int32_t{});
  } else {
    call(int64_t{});
  }
}

// The label of each position; see resolve_labels.
class Labels {
 public:
  Labels(const char* op, const Array& target, int64_t classes, std::optional<int64_t> ignore_index)
      : labels_(target.size()) {
    with_indices(target, [&](const auto* indices) {
      backend::resolve_labels(op, indices, shape_of(target), classes, ignore_index, labels_.data());
    });
  }
  const int64_t* data() const { return labels_.data(); }

 private:
  Scratch<int64_t> labels_;
};

}  // namespace fastnn::bindings
