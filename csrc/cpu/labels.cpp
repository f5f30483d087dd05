#include "ops/labels.h"

#include <algorithm>

#include "cpu/labels.h"
#include "cpu/ordered_sum.h"

namespace fastnn::cpu {

template <class Index>
void resolve_labels(const char* op, const Index* target, Shape target_shape, int64_t classes,
                    std::optional<int64_t> ignore_index, int64_t* labels) {
  const int64_t n = element_count(op, target_shape);
  for (int64_t i = 0; i < n; ++i) {
    const int64_t label = target[i];
    if (ignore_index && label == *ignore_index) {
      labels[i] = -1;
    } else if (label < 0 || label >= classes) {
      refuse_label(op, classes, ignore_index, label, target_shape, i);
    } else {
      labels[i] = label;
    }
  }
}

template <class T>
double sum_label_weights(const int64_t* labels, int64_t count, const T* weight) {
  if (!weight) return static_cast<double>(std::count_if(labels, labels + count, [](int64_t i) { return i >= 0; }));
  return ordered_sum(count, [=](int64_t i) { return labels[i] < 0 ? 0.0 : static_cast<double>(weight[labels[i]]); });
}

template void resolve_labels(const char*, const int32_t*, Shape, int64_t, std::optional<int64_t>, int64_t*);
template void resolve_labels(const char*, const int64_t*, Shape, int64_t, std::optional<int64_t>, int64_t*);
template double sum_label_weights(const int64_t*, int64_t, const float*);
template double sum_label_weights(const int64_t*, int64_t, const double*);

}  // namespace fastnn::cpu
