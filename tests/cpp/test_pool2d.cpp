// Pooling on small integers against loops over the definition: values, places, and gradients by bytes and by
// indices; random windows, tails of the vectors, 1 to 3 threads; FASTNN_ISA chooses the instruction set.
#include "ops/pool2d.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <random>
#include <vector>

#include "check.h"
#include "cpu/dispatch.h"
#include "cpu/parallel.h"

using namespace fastnn;

namespace {

std::mt19937 generator(1);

int64_t pick(int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(generator); }

template <class T>
std::vector<T> small_integers(size_t count) {
  std::vector<T> values(count);
  for (T& x : values) x = static_cast<T>(pick(-4, 4));
  return values;
}

WindowOptions random_window() {
  WindowOptions o{pick(1, 5), pick(1, 4), pick(0, 4) == 0 ? 2 : 1, 0, 0};
  const int64_t span = o.dilation * (o.kernel - 1) + 1;
  o.before = pick(0, span - 1);
  o.after = pick(0, span - 1);
  return o;
}

// body(output, input) for every tap of every window that lies inside, in order.
template <class Body>
void for_each_tap(const Pool2dSize& size, const Body& body) {
  const auto& [h, w] = size.window;
  for (int64_t out = 0; out < size.planes * h.output * w.output; ++out) {
    const int64_t q = out % w.output, o = out / w.output % h.output, plane = out / w.output / h.output;
    for (int64_t tap = 0; tap < h.kernel * w.kernel; ++tap) {
      const int64_t i = h.first(o) + tap / w.kernel * h.dilation, j = w.first(q) + tap % w.kernel * w.dilation;
      if (i < 0 || i >= h.size || j < 0 || j >= w.size) continue;
      body(static_cast<size_t>(out), static_cast<size_t>((plane * h.size + i) * w.size + j), tap, i * w.size + j);
    }
  }
}

template <class T>
struct Case {
  Pool2dOptions options;
  Pool2dSize size;
  size_t inputs, outputs;
  std::vector<T> x, g;

  Case(const Pool2dOptions& chosen, int64_t H, int64_t W) : options(chosen) {
    const int64_t shape[] = {pick(1, 3), H, W};
    size = validate_pool2d("test", "x", shape, options);
    inputs = static_cast<size_t>(size.planes * H * W);
    outputs = static_cast<size_t>(size.planes * size.window.h.output * size.window.w.output);
    x = small_integers<T>(inputs);
    g = small_integers<T>(outputs);
  }

  void test_max() const {
    std::vector<T> y(outputs, -std::numeric_limits<T>::infinity()), grad_x(inputs, T(0));
    std::vector<int64_t> indices(outputs, -1);
    std::vector<uint8_t> taps(outputs, 0);
    std::vector<size_t> source(outputs, inputs);
    for_each_tap(size, [&](size_t out, size_t in, int64_t tap, int64_t index) {
      if (source[out] < inputs && !(x[in] > y[out])) return;
      y[out] = x[in];
      source[out] = in;
      indices[out] = index;
      taps[out] = static_cast<uint8_t>(tap);
    });
    for (size_t out = 0; out < outputs; ++out) {
      if (source[out] < inputs) grad_x[source[out]] += g[out];
    }
    std::vector<T> got(outputs), got_grad(inputs);
    std::vector<int64_t> got_indices(outputs);
    cpu::max_pool2d_forward(size, x.data(), got.data(), {got_indices.data(), nullptr});
    CHECK(got == y);
    CHECK(got_indices == indices);
    cpu::max_pool2d_forward(size, x.data(), got.data(), {});
    CHECK(got == y);
    cpu::max_pool2d_backward(size, g.data(), {got_indices.data(), nullptr}, got_grad.data());
    CHECK(got_grad == grad_x);
    if (!taps_fit_bytes(size)) return;
    std::vector<uint8_t> got_taps(outputs);
    cpu::max_pool2d_forward(size, x.data(), got.data(), {nullptr, got_taps.data()});
    CHECK(got == y);
    CHECK(got_taps == taps);
    std::fill(got_grad.begin(), got_grad.end(), T(9));
    cpu::max_pool2d_backward(size, g.data(), {nullptr, got_taps.data()}, got_grad.data());
    CHECK(got_grad == grad_x);
  }

  // Divided by 4, everything is exact.
  void test_avg() {
    options.divisor = 4;
    std::vector<T> y(outputs, T(0)), grad_x(inputs, T(0)), got(outputs), got_grad(inputs);
    for_each_tap(size, [&](size_t out, size_t in, int64_t, int64_t) {
      y[out] += x[in] / 4;
      grad_x[in] += g[out] / 4;
    });
    cpu::avg_pool2d_forward(size, options, x.data(), got.data());
    CHECK(got == y);
    cpu::avg_pool2d_backward(size, options, g.data(), got_grad.data());
    CHECK(got_grad == grad_x);
  }
};

template <class T>
void test_random_windows() {
  for (int round = 0; round < 400; ++round) {
    Pool2dOptions options{.h = random_window(), .w = random_window(), .ceil_mode = round % 2 == 1};
    if (round % 3 == 0) options.h.kernel = options.w.kernel = pick(2, 3);
    if (round % 3 == 0) options.h = options.w = {options.w.kernel, pick(1, 2), 1, round % 2, round % 2};
    const auto span = [](const WindowOptions& o) { return o.dilation * (o.kernel - 1) + 1; };
    const int64_t W = span(options.w) + (round % 5 == 0 ? pick(60, 90) : pick(0, 40));
    Case<T> one(options, span(options.h) + pick(0, 30), W);
    one.test_max();
    if (options.h.dilation == 1 && options.w.dilation == 1) one.test_avg();
  }
}

}  // namespace

int main() {
  const auto isas = cpu::supported_isas();
  const char* wanted = std::getenv("FASTNN_ISA");
  if (wanted && std::find(isas.begin(), isas.end(), wanted) == isas.end()) {
    std::printf("not tested: this machine lacks %s\n", wanted);
    return 77;
  }
  for (int threads = 1; threads <= 3; ++threads) {
    cpu::set_num_threads(threads);
    test_random_windows<float>();
    test_random_windows<double>();
  }
  return check::finish("test_pool2d");
}
