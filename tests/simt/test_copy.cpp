// Copies between layouts: transposed, reversed, repeated and stepped axes, all item sizes, addresses of any alignment.
#include "../cpp/check.h"
#include "cuda/copy.h"
#include "simt/call.h"

namespace {

using Axes = std::vector<int64_t>;

// In elements; turned into bytes for the copy.
struct View {
  int64_t start;
  Axes strides;
};

int64_t at(const View& view, const Axes& shape, int64_t flat) {
  int64_t place = view.start;
  for (size_t d = shape.size(); d-- > 0;) {
    place += flat % shape[d] * view.strides[d];
    flat /= shape[d];
  }
  return place;
}

Axes in_bytes(const Axes& strides, int64_t itemsize) {
  Axes bytes = strides;
  for (int64_t& stride : bytes) stride *= itemsize;
  return bytes;
}

void check_copy(const Axes& shape, const View& to, const View& from, int64_t itemsize, int64_t offset) {
  constexpr int64_t elements = 3000;
  const auto count = fastnn::element_count("test", shape);
  simt::Array<uint8_t> source(
      elements * itemsize, [](int64_t i) { return i * 7 % 253; }, offset),
      target(elements * itemsize, [](int64_t) { return 255; }),
      expected(elements * itemsize, [](int64_t) { return 255; });
  for (int64_t i = 0; i < count * itemsize; ++i) {
    expected[at(to, shape, i / itemsize) * itemsize + i % itemsize] =
        source[at(from, shape, i / itemsize) * itemsize + i % itemsize];
  }
  const Axes to_bytes = in_bytes(to.strides, itemsize), from_bytes = in_bytes(from.strides, itemsize);
  fastnn::cuda::copy({target.data() + to.start * itemsize, shape, to_bytes},
                     {source.data() + from.start * itemsize, shape, from_bytes}, static_cast<size_t>(itemsize));
  int64_t wrong = 0;
  for (int64_t i = 0; i < elements * itemsize; ++i) wrong += target[i] != expected[i];
  CHECK(wrong == 0);
}

void check_layouts(int64_t itemsize, int64_t offset) {
  const auto check_it = [=](const Axes& shape, const View& to, const View& from) {
    check_copy(shape, to, from, itemsize, offset);
  };
  check_it({}, {5, {}}, {9, {}});
  check_it({2500}, {0, {1}}, {1, {1}});
  check_it({0, 3}, {0, {3, 1}}, {0, {3, 1}});
  check_it({20, 30}, {0, {30, 1}}, {0, {1, 20}});            // transposed
  check_it({20, 30}, {0, {1, 20}}, {0, {30, 1}});            // into a transposed one
  check_it({7, 12}, {0, {12, 1}}, {7 * 12 - 1, {-12, -1}});  // reversed
  check_it({5, 8}, {0, {8, 1}}, {3, {0, 1}});                // repeated
  check_it({6, 8}, {0, {16, 1}}, {0, {8, 1}});               // rows of a wider array
  check_it({2, 3, 4, 5}, {0, {60, 20, 5, 1}}, {0, {60, 1, 15, 3}});
  check_it({2, 1, 2, 1, 2, 2, 2, 2, 2, 2}, {0, {256, 9, 128, 9, 64, 32, 16, 8, 4, 2}},
           {1, {1, 0, 2, 0, 4, 8, 16, 32, 64, 128}});
}

}  // namespace

int main() {
  const simt::Call call;
  for (const int64_t itemsize : {1, 2, 4, 8, 16}) {
    for (const int64_t offset : {0, 1, 4}) check_layouts(itemsize, offset);
  }
  simt::Array<double> x(1001, 1);
  fastnn::cuda::fill(x.data(), 1001, 0.5);
  for (int64_t i = 0; i < 1001; ++i) CHECK(x[i] == 0.5);
  return check::finish("test_simt_copy");
}
