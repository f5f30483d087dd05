// Copies between layouts. An element counts as an innermost axis of bytes, so that axes which lie end to end in both
// arrays, the bytes among them, become one; the innermost is then moved in units as wide as all strides allow.
#include "cuda/copy.h"

#include "cuda/elementwise.cuh"
#include "cuda/units.cuh"

namespace fastnn::cuda {
namespace {

// Axes of two elements or more: 2**63 of them need 63 axes, and the bytes one.
constexpr int most_axes = 64;

struct Axis {
  int64_t length, to, from;
};

struct Layout {
  int count = 0;
  Axis axes[most_axes];  // the innermost first

  // Outside of those before.
  void add(const Axis& axis) {
    if (axis.length == 1) return;
    Axis* inner = count > 0 ? &axes[count - 1] : nullptr;
    if (inner && axis.to == inner->length * inner->to && axis.from == inner->length * inner->from) {
      inner->length *= axis.length;
    } else {
      axes[count++] = axis;
    }
  }
  int64_t elements() const {
    int64_t product = 1;
    for (int i = 0; i < count; ++i) product *= axes[i].length;
    return product;
  }
};

Layout common_layout(const StridedArray& to, const StridedArray& from, size_t itemsize) {
  Layout layout;
  layout.axes[layout.count++] = {static_cast<int64_t>(itemsize), 1, 1};
  for (size_t i = to.shape.size(); i-- > 0;) layout.add({to.shape[i], to.strides[i], from.strides[i]});
  return layout;
}

// The bytes of the innermost axis in units; gives the size of one.
size_t widen(Layout& layout, const StridedArray& to, const StridedArray& from) {
  size_t unit =
      common_unit(layout.axes[0].length, reinterpret_cast<uintptr_t>(to.data), reinterpret_cast<uintptr_t>(from.data));
  for (int i = 1; i < layout.count; ++i) unit = common_unit(unit, layout.axes[i].to, layout.axes[i].from);
  const auto bytes = static_cast<int64_t>(unit);
  layout.axes[0] = {layout.axes[0].length / bytes, bytes, bytes};
  return unit;
}

template <class Unit, class Index>
__global__ void copy_kernel(Index units, const __grid_constant__ Layout layout, const char* from, char* to) {
  const auto stride = static_cast<Index>(threads_of_grid());
  for (auto i = static_cast<Index>(thread_of_grid()); i < units; i += stride) {
    Index rest = i;
    int64_t read = 0, write = 0;
    for (int axis = 0; axis < layout.count; ++axis) {
      const auto length = static_cast<Index>(layout.axes[axis].length);
      const auto at = static_cast<int64_t>(rest % length);
      rest /= length;
      read += at * layout.axes[axis].from;
      write += at * layout.axes[axis].to;
    }
    *reinterpret_cast<Unit*>(to + write) = *reinterpret_cast<const Unit*>(from + read);
  }
}

template <class T>
struct Constant {
  T value;
  __device__ T operator()() const { return value; }
};

}  // namespace

void copy(const StridedArray& to, const StridedArray& from, size_t itemsize) {
  if (element_count("copy", to.shape) == 0) return;
  Layout layout = common_layout(to, from, itemsize);
  const size_t bytes = widen(layout, to, from);
  const int64_t units = layout.elements();
  with_unit(bytes, [&](auto unit) {
    with_index_type(units, [&](auto index) {
      launch("copy", &copy_kernel<decltype(unit), decltype(index)>, grid_for(units), units, layout,
             static_cast<const char*>(from.data), static_cast<char*>(const_cast<void*>(to.data)));
    });
  });
}

template <class T>
void fill(T* to, int64_t count, T value) {
  map("fill", count, Constant<T>{value}, to);
}

template void fill(float*, int64_t, float);
template void fill(double*, int64_t, double);

void copy_from_host(void* to, const void* from, size_t bytes) {
  const auto stream = static_cast<cudaStream_t>(context().stream);
  check("copy_from_host", cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream));
}

void copy_to_host(void* to, const void* from, size_t bytes) {
  const auto stream = static_cast<cudaStream_t>(context().stream);
  check("copy_to_host", cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream));
  check("copy_to_host", cudaStreamSynchronize(stream));
}

}  // namespace fastnn::cuda
