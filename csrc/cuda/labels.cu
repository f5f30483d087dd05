#include "cuda/labels.cuh"

#include "cuda/note_offence.cuh"
#include "ops/labels.h"

namespace fastnn::cuda {
namespace {

struct Classes {
  int64_t count, ignore_index;
  bool may_ignore;

  __device__ int64_t resolve(int64_t label) const {
    if (may_ignore && label == ignore_index) return ignored_label;
    return label < 0 || label >= count ? wrong_label : label;
  }
};

template <class Index>
__global__ void resolve_labels_kernel(int64_t n, Classes classes, const Index* target, int64_t* labels, Offence* record,
                                      int check) {
  int64_t wrong = no_offence;
  for (int64_t i = thread_of_grid(); i < n; i += threads_of_grid()) {
    labels[i] = classes.resolve(target[i]);
    if (labels[i] == wrong_label && wrong == no_offence) wrong = i;
  }
  note_first_offence(record, check, wrong, [=](int64_t i) { return int64_t{target[i]}; });
}

int label_check(const char* op, Shape shape, int64_t classes, std::optional<int64_t> ignore_index) {
  const std::string exception = ignore_index ? std::to_string(*ignore_index) : "none";
  return register_check(concat(op, "|labels|", to_string(shape), "|", classes, "|", exception),
                        [op = std::string(op), shape = std::vector<int64_t>(shape.begin(), shape.end()), classes,
                         ignore_index](const Offence& found) {
                          refuse_label(op.c_str(), classes, ignore_index, found.value_as<int64_t>(), shape,
                                       found.position);
                        });
}

}  // namespace

template <class Index>
void resolve_labels(const char* op, const Index* target, Shape target_shape, int64_t classes,
                    std::optional<int64_t> ignore_index, int64_t* labels) {
  const int64_t n = element_count(op, target_shape);
  const int check = label_check(op, target_shape, classes, ignore_index);
  launch("resolve_labels", &resolve_labels_kernel<Index>, grid_for(n), n,
         Classes{classes, ignore_index.value_or(0), ignore_index.has_value()}, target, labels, offence_record(), check);
}

template void resolve_labels(const char*, const int32_t*, Shape, int64_t, std::optional<int64_t>, int64_t*);
template void resolve_labels(const char*, const int64_t*, Shape, int64_t, std::optional<int64_t>, int64_t*);

}  // namespace fastnn::cuda
